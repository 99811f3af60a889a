"Two processes under torchrun (gloo, on the CPU) make the run of one process, and resume it."
import json, shutil, subprocess, sys
from pathlib import Path

import pytest
import torch
from gram_nb.train import load_tensors, read_csv

BIN = Path(sys.executable).parent
SETTINGS = ['--preset', 'tiny', '--updates', '60', '--settings', '{"validations": 3, "accumulate": 2}']

def run(*command, cwd, ok=True):
    r = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert (r.returncode == 0) == ok, r.stderr[-3000:]
    return r

def torchrun(*args, cwd, ok=True): return run(sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', 2, BIN/'gram_train', *args, cwd=cwd, ok=ok)

def same(a, b):
    "Two runs agree up to the rounding of a different order of sums."
    x, y = (torch.tensor(read_csv(d/'log.csv')['loss']) for d in (a, b))
    assert torch.allclose(x, y, rtol=1e-3, atol=1e-4), (x-y).abs().max()
    x, y = (load_tensors(d/'checkpoint.safetensors')[0] for d in (a, b))
    for k in x:
        if k.startswith(('model.', 'h')): assert torch.allclose(x[k], y[k], atol=2e-2), k
        if k == 'idx': assert torch.equal(x[k], y[k])

@pytest.fixture(scope='module')
def one(tmp_path_factory):
    d = tmp_path_factory.mktemp('one')
    run(BIN/'gram_train', *SETTINGS, '--out', 'r', cwd=d)
    return d/'r'

def test_two_processes_make_the_same_run(one, tmp_path):
    torchrun(*SETTINGS, '--out', 'r', cwd=tmp_path)
    same(one, tmp_path/'r')
    assert json.loads((tmp_path/'r'/'metrics.json').read_text())['updates'] == 60

def test_two_processes_resume_what_one_began(one, tmp_path):
    "Stop one process at its second validation, go on with two."
    code = f"""
import gram_nb.train as t, sys
original = t.validate
def stop(trainer):
    if trainer.validated: sys.exit(0)
    return original(trainer)
t.validate = stop
t.train(t.get_preset('tiny', updates=60, validations=3, accumulate=2), 'r', quiet=True)"""
    run(sys.executable, '-c', code, cwd=tmp_path)
    assert load_tensors(tmp_path/'r'/'checkpoint.safetensors')[1]['update'] == 20
    torchrun(*SETTINGS, '--out', 'r', cwd=tmp_path)
    same(one, tmp_path/'r')

def test_a_length_in_minutes_is_refused(tmp_path):
    r = torchrun('--preset', 'tiny', '--minutes', '1', '--out', 'r', cwd=tmp_path, ok=False)
    assert 'need a length in updates' in r.stderr
