"`scripts/gpu_run.sh`, small and on the CPU: cut off in training, started again, it brings everything back."
import json, os, signal, subprocess, sys, time
from pathlib import Path

from gram_nb.checkpoints import load_model, load_tensors, read_csv

ROOT = Path(__file__).resolve().parents[1]
UPDATES = 600
BACK = ('bench.json', 'config.json', 'log.csv', 'valid.csv', 'metrics.json', 'answers.safetensors',
        'training.png', 'weights.safetensors')

def start(out, work):
    "The script in a process group of its own."
    settings = json.dumps(dict(updates=UPDATES, validations=30))
    env = dict(os.environ, WORK=str(work), PYTHON=sys.executable, OMP_NUM_THREADS='1')
    how = dict(env=env, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return subprocess.Popen([ROOT/'scripts'/'gpu_run.sh', out, 'tiny', settings], **how)

def test_goes_on_after_a_cut(tmp_path):
    out, work = tmp_path/'out', tmp_path/'work'
    checkpoint = work/'tiny'/'run'/'checkpoint.safetensors'
    first = start(out, work)
    for _ in range(1200):
        if checkpoint.exists(): break
        assert first.poll() is None, 'ended before its first checkpoint'
        time.sleep(.1)
    os.killpg(first.pid, signal.SIGKILL); first.wait()
    assert load_tensors(checkpoint)[1]['update'] < UPDATES and not (out/'metrics.json').exists()
    bench = (out/'bench.json').read_bytes()

    assert start(out, work).wait(300) == 0
    sizes = {p.name: p.stat().st_size for p in out.iterdir()}
    assert sizes.keys() >= set(BACK) and max(sizes.values()) < 16 * 2**20
    assert json.loads((out/'metrics.json').read_text(encoding='utf-8'))['updates'] == UPDATES
    assert read_csv(out/'log.csv')['update'] == list(range(1, UPDATES+1))
    assert (out/'bench.json').read_bytes() == bench             # what is there is not done again
    assert load_model(out/'weights.safetensors')[1].name == 'nqueens5-rows'
