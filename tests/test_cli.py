"The console scripts as a user meets them: right use, every mistake one line, nothing lost."
import os, signal, subprocess, sys, time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from gram_nb.train import read_csv

BIN = Path(sys.executable).parent

def run(*args, cwd=None, stdin=None):
    return subprocess.run([BIN/args[0], *args[1:]], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=300)

@pytest.mark.parametrize('script', 'data train eval solve bench demo'.split())
def test_help(script):
    r = run(f'gram_{script}', '--help')
    assert r.returncode == 0 and 'usage' in r.stdout

ONE_QUEEN = 'Q....... . . . . . . .'.split()
MISTAKES = {
    'board with 7 rows': (['gram_solve', *ONE_QUEEN[:7]], '7 rows, not 8'),
    'row of 9': (['gram_solve', 'Q........', *ONE_QUEEN[1:]], 'row 1 has 9 squares'),
    'unknown character': (['gram_solve', 'X.......', *ONE_QUEEN[1:]], 'unknown character'),
    'attacking queens': (['gram_solve', 'Q.......', '.Q......', *ONE_QUEEN[2:]], 'attack one another'),
    'two queens in a row': (['gram_solve', 'QQ......', *ONE_QUEEN[1:]], 'two queens'),
    'negative samples': (['gram_solve', '--samples', '-3', *ONE_QUEEN], 'at least 1'),
    'a billion samples': (['gram_solve', '--samples', '1000000000', *ONE_QUEEN], 'up to 100000'),
    'negative noise': (['gram_solve', '--scale', '-1', *ONE_QUEEN], 'noise scale at least 0'),
    'missing weights': (['gram_eval', '--weights', 'none.safetensors'], 'no checkpoint at'),
    'foreign weights': (['gram_eval', '--weights', 'foreign.safetensors'], 'holds no gram_nb settings'),
    'truncated weights': (['gram_eval', '--weights', 'cut.safetensors'], 'not a whole safetensors file'),
    'pickled weights': (['gram_eval', '--weights', 'pickle.pt'], 'not a whole safetensors file'),
    'unknown preset': (['gram_train', '--preset', 'huge'], 'unknown preset'),
    'negative minutes': (['gram_train', '--minutes', '-1'], 'at least 0'),
    'settings that are no JSON': (['gram_train', '--preset', 'tiny', '--settings', 'lr=1'], 'JSON object'),
    'unknown setting': (['gram_train', '--preset', 'tiny', '--settings', '{"depth": 1}'], 'unknown setting'),
    'setting of a wrong type': (['gram_train', '--preset', 'tiny', '--settings', '{"dim": "big"}'], 'must be of type int'),
    'heads that do not divide': (['gram_train', '--preset', 'tiny', '--settings', '{"dim": 33}', '--out', 'r'], 'multiple of'),
    'folder that is no run': (['gram_train', '--preset', 'tiny', '--out', '.'], 'is no run'),
    'file as folder': (['gram_train', '--preset', 'tiny', '--out', 'foreign.safetensors'], 'is no run'),
    'unknown problem': (['gram_data', '--problem', 'chess'], 'unknown problem'),
    'a billion samples to evaluate': (['gram_eval', '--samples', '1000000000'], '100 million'),
    'no attempts to evaluate': (['gram_eval', '--attempts', '0'], 'at least 1'),
    'a billion samples, again and again': (['gram_eval', '--samples', '1000000000', '--attempts', '2'], '100 million'),
    'a billion voters': (['gram_eval', '--voters', '1000000000'], '100 million'),
    'attempts and voters': (['gram_eval', '--attempts', '2', '--voters', '80'], 'give one of them'),
    'puzzles that leak': (['gram_data', '--check', 'leak.csv'], 'leak'),
    'puzzles that are not there': (['gram_data', '--check', 'none.csv'], 'cannot read'),
    'puzzles that are no text': (['gram_data', '--check', 'pickle.pt'], 'cannot read'),
    'zero minutes of demo': (['gram_demo', '--minutes', '0'], 'more than 0'),
}

def make_files(folder):
    "What the mistakes above need."
    save_file({'w': torch.zeros(3)}, folder/'foreign.safetensors')
    (folder/'cut.safetensors').write_bytes((folder/'foreign.safetensors').read_bytes()[:-2])
    torch.save({'w': torch.zeros(3)}, folder/'pickle.pt')
    (folder/'leak.csv').write_text('puzzle,answer,split\n........,15863724,train\n........,16837425,test\n')

@pytest.mark.parametrize('name', MISTAKES)
def test_a_mistake_is_one_line(name, tmp_path):
    make_files(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    command, text = MISTAKES[name]
    r = run(*command, cwd=tmp_path)
    assert r.returncode == 2, r.stderr
    assert text in r.stderr and len(r.stderr.strip().splitlines()) == 1
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before      # nothing written, nothing lost

def test_solve_reads_standard_input_and_finds_all_four():
    r = run('gram_solve', '-', '--samples', '40', stdin='Q.......\n.\n.\n.\n.\n.\n.\n.\n')
    assert r.returncode == 0 and 'of 4 solutions found' in r.stdout and '× valid' in r.stdout

def test_solve_says_that_there_is_no_solution():
    r = run('gram_solve', 'Q.......', '..Q.....', '.', '.', '.', '.', '.', '.', '--samples', '3')
    assert r.returncode == 0 and 'no solution' in r.stdout

TINY = ['gram_train', '--preset', 'tiny', '--updates', '400', '--settings', '{"validations": 8}']

def test_killed_and_resumed_is_the_same_run(tmp_path):
    "kill −9 after the second checkpoint, start again: log and weights equal those of an uninterrupted run."
    assert run(*TINY, '--out', 'whole', cwd=tmp_path).returncode == 0
    p = subprocess.Popen([BIN/TINY[0], *TINY[1:], '--out', 'cut'], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    def validations():
        try: return len(read_csv(tmp_path/'cut'/'valid.csv')['update'])
        except (OSError, KeyError): return 0
    while validations() < 2 and p.poll() is None and time.monotonic() < deadline: time.sleep(.02)
    assert p.poll() is None, 'the run ended before it could be killed'
    p.send_signal(signal.SIGKILL); p.wait()
    assert run(*TINY, '--out', 'cut', cwd=tmp_path).returncode == 0
    assert (tmp_path/'cut'/'log.csv').read_bytes() == (tmp_path/'whole'/'log.csv').read_bytes()
    a, b = (safetensors_of(tmp_path/d/'best.safetensors') for d in ('cut','whole'))
    assert all(torch.equal(a[k], b[k]) for k in b)

def safetensors_of(path):
    from safetensors.torch import load_file
    return load_file(path)

def test_another_setting_is_refused_and_nothing_lost(tmp_path):
    assert run(*TINY[:3], '--updates', '20', '--out', 'r', cwd=tmp_path).returncode == 0
    before = {p: p.read_bytes() for p in (tmp_path/'r').glob('*') if p.is_file()}
    r = run(*TINY[:3], '--updates', '40', '--out', 'r', cwd=tmp_path)
    assert r.returncode == 2 and 'other settings (updates: 20 there, 40 here)' in r.stderr
    assert {p: p.read_bytes() for p in (tmp_path/'r').glob('*') if p.is_file()} == before

def test_the_run_writes_tensorboard_events(tmp_path):
    pytest.importorskip('tensorboard')
    assert run(*TINY[:3], '--updates', '20', '--out', 'r', cwd=tmp_path).returncode == 0
    assert list((tmp_path/'r'/'tensorboard').rglob('events*'))
