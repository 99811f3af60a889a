"`scripts/gpu_run.sh` at a small size on the CPU: cut off in the middle of training, started again, it brings everything back."
import json, os, signal, subprocess, sys, time
from pathlib import Path

from gram_nb.train import load_model, load_tensors, read_csv

ROOT = Path(__file__).resolve().parents[1]
BACK = ('bench.json','config.json','log.csv','valid.csv','metrics.json','answers.safetensors','training.png','weights-bf16.safetensors')

def test_goes_on_after_a_cut(tmp_path):
    out, work, updates = tmp_path/'out', tmp_path/'work', 600
    start = lambda: subprocess.Popen([ROOT/'scripts'/'gpu_run.sh', out, 'tiny', json.dumps(dict(updates=updates, validations=30))], start_new_session=True,
                                     env=dict(os.environ, WORK=str(work), PYTHON=sys.executable, OMP_NUM_THREADS='1'), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    checkpoint = work/'tiny'/'run'/'checkpoint.safetensors'
    first = start()
    for _ in range(1200):
        if checkpoint.exists(): break
        assert first.poll() is None, 'ended before its first checkpoint'
        time.sleep(.1)
    os.killpg(first.pid, signal.SIGKILL); first.wait()
    assert load_tensors(checkpoint)[1]['update'] < updates and not (out/'metrics.json').exists()
    bench = (out/'bench.json').read_bytes()

    assert start().wait(300) == 0
    assert {p.name for p in out.iterdir()} >= set(BACK) and max(p.stat().st_size for p in out.iterdir()) < 16 * 2**20
    assert json.loads((out/'metrics.json').read_text())['updates'] == updates and read_csv(out/'log.csv')['update'] == list(range(1, updates+1))
    assert (out/'bench.json').read_bytes() == bench             # what is there is not done again
    assert load_model(out/'weights-bf16.safetensors')[1].name == 'nqueens5-rows'
