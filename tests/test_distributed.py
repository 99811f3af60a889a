"Two processes under torchrun (gloo, on the CPU) make the run of one process, and resume it."
import json, os, subprocess, sys
from pathlib import Path

import pytest
import torch
from gram_nb.checkpoints import load_tensors, read_csv

BIN = Path(sys.executable).parent
SETTINGS = '--preset tiny --updates 60 --set validations=3 --set accumulate=2'.split()

def run(*command, cwd, ok=True):
    env = dict(os.environ, OMP_NUM_THREADS='1')
    how = dict(cwd=cwd, env=env, capture_output=True, text=True, timeout=600)
    r = subprocess.run([str(c) for c in command], **how)
    assert (r.returncode == 0) == ok, r.stderr[-3000:]
    return r

def torchrun(*args, cwd, ok=True):
    launch = (sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', 2)
    return run(*launch, BIN/'gram_train', *args, cwd=cwd, ok=ok)

def same(a, b):
    "Two runs agree up to the rounding of a different order of sums."
    x, y = (torch.tensor(read_csv(d/'log.csv')['loss']) for d in (a, b))
    assert torch.allclose(x, y, rtol=1e-3, atol=1e-4), (x-y).abs().max()
    x, y = (load_tensors(d/'checkpoint.safetensors')[0] for d in (a, b))
    for k in x:
        if k.startswith('model.') or k in ('h', 'l'): assert torch.allclose(x[k], y[k], atol=2e-2), k
        if k in ('x', 'y', 'owner', 'rng'): assert torch.equal(x[k], y[k]), k

@pytest.fixture(scope='module')
def one(tmp_path_factory):
    d = tmp_path_factory.mktemp('one')
    run(BIN/'gram_train', *SETTINGS, '--out', 'r', cwd=d)
    return d/'r'

def test_two_processes_make_the_same_run(one, tmp_path):
    r = torchrun(*SETTINGS, '--out', 'r', cwd=tmp_path)
    assert r.stdout.count('accuracy') == 1          # the first process speaks for both
    same(one, tmp_path/'r')
    assert json.loads((tmp_path/'r'/'metrics.json').read_text())['updates'] == 60

STOP = """
import sys
import gram_nb.train as t
from gram_nb.settings import get_preset
usual = t.validate
def stop(trainer):
    if trainer.validated: sys.exit(0)
    return usual(trainer)
t.validate = stop
t.train(get_preset('tiny', updates=60, validations=3, accumulate=2), 'r', quiet=True)"""

def test_two_processes_resume_what_one_began(one, tmp_path):
    "Stop one process at its second validation, go on with two."
    run(sys.executable, '-c', STOP, cwd=tmp_path)
    assert load_tensors(tmp_path/'r'/'checkpoint.safetensors')[1]['update'] == 20
    torchrun(*SETTINGS, '--out', 'r', cwd=tmp_path)
    same(one, tmp_path/'r')

def test_a_length_in_minutes_is_refused(tmp_path):
    r = torchrun('--preset', 'tiny', '--minutes', '1', '--out', 'r', cwd=tmp_path, ok=False)
    assert 'need a length in updates' in r.stderr
