"`scripts/gpu_run.sh` at a small size on the CPU: cut off while it trains, started again, it brings all back."
import json, os, shutil, signal, subprocess, sys, time
from pathlib import Path

import pytest
from gram_nb.checkpoints import load_model, load_tensors, read_csv
from gram_nb.cli import read_setting
from gram_nb.settings import get_preset

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

@pytest.mark.skipif(not shutil.which('setsid'), reason='there is no setsid')
def test_many_at_once(tmp_path):
    runs = tmp_path/'runs.txt'
    runs.write_text('# two\na/one --preset tiny\na/two --preset tiny --seed 1\n')
    env = dict(os.environ, LIST=str(runs), LENGTH='--updates 12', WORK=str(tmp_path/'work'),
               PYTHON=sys.executable)
    def do(*words):
        command = [ROOT/'scripts'/'gpu_all.sh', *words]
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    do('start')
    assert [line.split(':')[0] for line in do('watch', '300').splitlines()] == ['a/one', 'a/two']
    do('collect', str(tmp_path/'out'))
    assert sorted(p.name for p in (tmp_path/'out').iterdir()) == ['a.tgz', 'logs.tgz']
    shutil.unpack_archive(tmp_path/'out'/'a.tgz', tmp_path)
    assert json.loads((tmp_path/'a'/'two'/'metrics.json').read_text())['seed'] == 1
    assert load_model(tmp_path/'a'/'one'/'weights.safetensors')[1].name == 'nqueens5-rows'

def test_listed_trainings():
    files = ROOT/'scripts'/'gpu_runs.txt', ROOT/'scripts'/'gpu_quarter.txt'
    lines = [line for file in files for line in file.read_text().splitlines()]
    for name, _, preset, *words in (line.split() for line in lines if not line.startswith('#')):
        values = [w for w in words if not w.startswith('--')]
        settings = dict(read_setting(v) for v in values if '=' in v)
        assert get_preset(preset, **settings).batch >= 128, name
