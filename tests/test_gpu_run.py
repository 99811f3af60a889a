"`scripts/gpu_run.sh` at a small size on the CPU: cut off while it trains, started again, it brings all back."
import json, os, shutil, signal, subprocess, sys, time
from pathlib import Path

import pytest
from gram_nb.checkpoints import load_model, load_tensors, read_csv

ROOT = Path(__file__).resolve().parents[1]
BACK = ('bench.json', 'config.json', 'log.csv', 'valid.csv', 'metrics.json', 'answers.safetensors',
        'training.png', 'weights.safetensors')
UPDATES = 600

def start(out, work):
    env = dict(os.environ, WORK=str(work), PYTHON=sys.executable, OMP_NUM_THREADS='1')
    command = [ROOT/'scripts'/'gpu_run.sh', out, 'tiny', json.dumps(dict(updates=UPDATES, validations=30))]
    how = dict(env=env, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return subprocess.Popen(command, **how)

@pytest.mark.skipif(not shutil.which('bash'), reason='there is no bash')
def test_goes_on_after_a_cut(tmp_path):
    out, work = tmp_path/'out', tmp_path/'work'
    checkpoint = work/'tiny'/'run'/'checkpoint.safetensors'
    first = start(out, work)
    while not checkpoint.exists():
        assert first.poll() is None, 'ended before its first checkpoint'
        time.sleep(.1)
    os.killpg(first.pid, signal.SIGKILL); first.wait()
    assert load_tensors(checkpoint)[1]['update'] < UPDATES and not (out/'metrics.json').exists()
    bench = (out/'bench.json').read_bytes()

    assert start(out, work).wait(600) == 0
    assert {p.name for p in out.iterdir()} >= set(BACK)
    assert max(p.stat().st_size for p in out.iterdir()) < 16 * 2**20
    assert json.loads((out/'metrics.json').read_text())['updates'] == UPDATES
    assert read_csv(out/'log.csv')['update'] == list(range(1, UPDATES + 1))
    assert (out/'bench.json').read_bytes() == bench             # what is there is not done again
    assert load_model(out/'weights.safetensors')[1].name == 'nqueens5-rows'
