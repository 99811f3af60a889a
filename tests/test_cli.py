"The console scripts as a user meets them: right use, every mistake one line, nothing lost."
import codecs, errno, json, os, shutil, signal, subprocess, sys, time
from pathlib import Path

import pytest
import refused
import torch
from safetensors.torch import load_file
import gram_nb
from gram_nb import bench, cli
from gram_nb.checkpoints import load_run, read_csv
from gram_nb.inference import sample
from gram_nb.problems import InputError, get_problem

ROOT, BIN = Path(__file__).resolve().parents[1], Path(sys.executable).parent

SCRIPTS = ('gram_data', 'gram_train', 'gram_eval', 'gram_solve', 'gram_bench', 'gram_demo')
BOARD = refused.BOARD
ENV = dict(os.environ, OMP_NUM_THREADS='1')

def run(*command, env=ENV, **how):
    how = dict(capture_output=True, text=True, timeout=600) | how
    return subprocess.run([BIN/command[0], *map(str, command[1:])], env=env, **how)

def shell(line, **how):
    "A line for bash, with our scripts on the path."
    env = dict(ENV, PATH=f'{BIN}{os.pathsep}{os.environ["PATH"]}')
    return subprocess.run(['bash', '-c', line], capture_output=True, text=True, timeout=600, env=env, **how)

def tiny(out, *more): return refused.answer(['gram_train', '--preset', 'tiny', '--out', str(out), *more])

def files(folder): return {p.relative_to(folder): p.read_bytes() for p in folder.rglob('*') if p.is_file()}

# ---- mistakes

@pytest.mark.parametrize('name', refused.COMMANDS)
def test_a_mistake_is_one_line(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused.make_files(tmp_path)
    before = files(tmp_path)
    command, text = refused.COMMANDS[name]
    status, _, err = refused.answer(command)
    assert status == 2, err
    assert text in err and len(err.strip().splitlines()) == 1
    assert err.startswith(f'{command[0]}: ')
    assert files(tmp_path) == before        # nothing written, nothing lost

def test_a_mistake_from_the_shell(tmp_path):
    r = run('gram_eval', '--weights', 'none.safetensors', cwd=tmp_path)
    assert r.returncode == 2 and len(r.stderr.splitlines()) == 1 and not r.stdout

def test_a_bug_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(cli, 'get_problem', lambda name: 1/0)
    with pytest.raises(ZeroDivisionError): refused.answer(['gram_data'])

def test_too_little_memory_is_one_line(monkeypatch):
    def fails(*_, **__): raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")
    monkeypatch.setattr(cli, 'load_run', fails)
    status, _, err = refused.answer(['gram_solve', *BOARD])
    assert status == 2 and 'out of memory' in err

def test_outputs_are_checked_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, 'bench', lambda *_: 1/0)
    status, _, err = refused.answer(['gram_bench', '--out', str(tmp_path/'none'/'bench.json')])
    assert status == 2 and 'no folder' in err

# ---- right use

@pytest.mark.parametrize('script', SCRIPTS)
def test_help(script):
    "Also where a terminal knows ASCII alone."
    r = run(script, '--help', env=dict(ENV, PYTHONIOENCODING='ascii'))
    assert r.returncode == 0 and 'usage' in r.stdout and not r.stderr

def test_what_is_returned_is_no_exit_status(tmp_path):
    "Success is status 0, whatever the function returns."
    r = run(*'gram_bench --preset tiny --seconds .05 --out bench.json'.split(), cwd=tmp_path)
    assert r.returncode == 0, r.stderr
    assert json.loads((tmp_path/'bench.json').read_text())['speedup'] > 0
    for command in (['gram_solve', *BOARD], ['gram_data', '--out', str(tmp_path/'a.csv')]):
        assert refused.answer(command)[0] == 0

def test_solve_finds_all_four():
    status, out, _ = refused.answer(['gram_solve', '--samples', '40', *BOARD])
    assert status == 0 and 'of 4 solutions found' in out and '× valid' in out

def test_a_sudoku_from_a_grid_of_digits_and_dots(tmp_path):
    status, *_ = tiny(tmp_path/'run', '--set', 'problem=sudoku4', '--set', 'mixer=mlp', '--updates', '6')
    assert status == 0
    weights = ['--weights', str(tmp_path/'run'/'best.safetensors')]
    for rows in (['12..', '3...', '....', '....'], ['12..3...........', '--samples', '3']):
        status, out, _ = refused.answer(['gram_solve', *rows, *weights])
        assert status == 0 and ' of 12 solutions found' in out, out
    status, _, err = refused.answer(['gram_solve', '1.1.', *['....']*3, *weights])
    assert status == 2 and 'row 1 has the digit 1 twice' in err
    status, out, _ = refused.answer(['gram_eval', *weights, '--samples', '2', '--augment'])
    assert status == 0 and 'held-out inputs' in out

def test_puzzles_to_check_from_standard_input():
    text = (ROOT/'data'/'sudoku9.csv').read_text()[:2000].rpartition('\n')[0]
    r = run('gram_data', '--problem', 'sudoku9', '--check', '-', input=text)
    assert r.returncode == 0 and 'in order' in r.stdout, r.stderr

def test_a_deterministic_model_sees_many_forms(tmp_path):
    assert tiny(tmp_path/'run', '--set', 'problem=sudoku4', '--set', 'model=rrm', '--updates', '6')[0] == 0
    model, problem, _ = load_run(tmp_path/'run'/'best.safetensors')
    x = problem.parts()['test'].inputs[:8]
    def different(**how):
        return len(sample(model, x, 6, generator=torch.Generator(), **how).flatten(1).unique(dim=0))
    assert different() == 1 < different(augment=problem.random_symmetry)

def test_no_coverage_where_answers_are_not_listed():
    status, out, _ = refused.answer(['gram_eval', '--weights', 'digits8', '--samples', '4', '--steps', '2'])
    assert status == 0 and 'no coverage' in out and 'coverage@' not in out

def test_a_puzzle_that_cannot_be_typed():
    status, _, err = refused.answer(['gram_solve', '1', '--weights', 'coloring8-vertices'])
    assert status == 2 and 'coloring8-vertices cannot be typed' in err

def test_solve_says_that_there_is_no_solution():
    _, out, _ = refused.answer(['gram_solve', 'Q.......', '..Q.....', *BOARD[2:], '--samples', '3'])
    assert 'no solution' in out

def steps(out) -> float:
    "Mean supervision steps, as gram_solve and gram_eval print them."
    words = out.replace(',', '').split()
    return float(words[min(words.index(w) for w in ('steps', 'supervision') if w in words) - 1])

@pytest.mark.parametrize('rule', ('confidence', 'halt', 'pair'))
def test_solve_halts(rule):
    status, out, _ = refused.answer(['gram_solve', '--halting', rule, *BOARD])
    assert status == 0 and 1 <= steps(out) < 16

def test_eval_takes_the_ways_to_choose(monkeypatch):
    few = get_problem('nqueens8-rows').parts()['test'].subset(torch.arange(0, 772, 40))
    monkeypatch.setattr(cli, 'test_part', lambda problem, cfg: few)
    ways = ('', '--halting confidence --threshold .95', '--restarts 2 --steps 4',
            '--select-by-vote 40 --steps 4')
    for way in ways:
        status, out, err = refused.answer(['gram_eval', '--samples', '4', *way.split()])
        assert status == 0 and 'accuracy 9' in out.replace('100', '9'), err

def test_eval_takes_the_checkpoints_own_split(tmp_path, monkeypatch):
    assert tiny(tmp_path/'r', '--updates', '8', '--set', 'split_seed=1')[0] == 0
    seen, usual = [], cli.evaluate
    def watched(model, problem, test, *args, **how):
        seen.append(test.inputs)
        return usual(model, problem, test, *args, **how)
    monkeypatch.setattr(cli, 'evaluate', watched)
    weights = tmp_path/'r'/'best.safetensors'
    assert refused.answer(['gram_eval', '--weights', weights, '--samples', '2'])[0] == 0
    _, problem, _ = load_run(weights)
    assert torch.equal(seen[0], problem.parts(seed=1)['test'].inputs)
    metrics = json.loads((tmp_path/'r'/'metrics.json').read_text())
    assert metrics['split_seed'] == 1 and metrics['split'] == 'inputs'

LATER = '''
from gram_nb.problems import get_problem, register
from gram_nb.settings import PRESETS, TrainConfig

def other():
    problem = get_problem('nqueens5-rows')
    problem.name = 'my-queens'
    return problem
register('my-queens', other)
PRESETS['mine'] = TrainConfig('my-queens', dim=32, hidden=32, n_sup=4, updates=8, batch=8, compile=False)
'''

def test_a_module_of_ones_own(tmp_path):
    "Train, evaluate and write the data of a problem that only my own file knows."
    (tmp_path/'mine.py').write_text(LATER)
    own = ('--module', 'mine.py')
    r = run('gram_train', '--preset', 'mine', '--out', 'r', *own, cwd=tmp_path)
    assert r.returncode == 0, r.stderr
    r = run('gram_eval', '--weights', 'r/best.safetensors', '--samples', 2, *own, cwd=tmp_path)
    assert r.returncode == 0 and 'accuracy' in r.stdout
    r = run('gram_solve', *['.']*5, '--weights', 'r/best.safetensors', *own, cwd=tmp_path)
    assert r.returncode == 0 and 'of 10 solutions found' in r.stdout, r.stderr
    assert run('gram_data', '--problem', 'my-queens', '--out', 'a.csv', *own, cwd=tmp_path).returncode == 0
    assert (tmp_path/'a.csv').read_text().startswith('puzzle,answer,split')
    assert 'unknown problem' in run('gram_eval', '--weights', 'r/best.safetensors', cwd=tmp_path).stderr

# ---- output

def cut_off(*command, **how):
    "A command whose output nobody reads."
    how |= dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV)
    p = subprocess.Popen([BIN/command[0], *map(str, command[1:])], **how)
    p.stdout.close()
    err = p.stderr.read()
    return p.wait(600), err

@pytest.mark.parametrize('command', (['gram_data'], ['gram_solve', *BOARD], ['gram_train', '--help']))
def test_a_closed_pipe_ends_quietly(command):
    assert cut_off(*command) == (0, '')

def test_training_outlives_its_terminal(tmp_path):
    "Standard output and error are closed pipes, or closed."
    command = 'gram_train --preset tiny --updates 8 --out'
    assert cut_off(*command.split(), 'a', cwd=tmp_path)[0] == 0
    assert shell(f'{command} b 2>&- >&-', cwd=tmp_path).returncode == 0
    assert shell(f'{command} c 2>&1 | true; exit ${{PIPESTATUS[0]}}', cwd=tmp_path).returncode == 0
    for name in 'abc': assert (tmp_path/name/'metrics.json').is_file()

@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='there is no full device')
def test_a_full_device_is_one_line():
    r = shell('gram_data > /dev/full')
    assert r.returncode == 2 and len(r.stderr.splitlines()) == 1
    assert 'cannot write to standard output' in r.stderr

@pytest.mark.parametrize('encoding', ('ascii', 'cp437', 'cp866'))
def test_a_terminal_with_few_characters(encoding):
    env = dict(ENV, PYTHONIOENCODING=encoding)
    r = run('gram_solve', '--show', 1, *BOARD, env=env, encoding=encoding)
    assert r.returncode == 0 and ' x valid' in r.stdout

def test_the_demos_table_can_be_shown_anywhere():
    text = cli.demo_table(ROOT/'data'/'runs'/'demo')
    assert all(text.encode(encoding, 'spell') for encoding in ('ascii', 'cp437'))

# ---- input

ROWS = 'Q.......\n.\n.\n.\n.\n.\n.\n.\n'

@pytest.mark.parametrize('mark', (b'', codecs.BOM_UTF8, codecs.BOM_UTF16_LE))
def test_a_board_from_standard_input(mark):
    "With line ends and a byte-order mark as other systems write them."
    text = ROWS.replace('\n', '\r\n').encode('utf-16-le' if mark == codecs.BOM_UTF16_LE else 'utf-8')
    r = run('gram_solve', '-', input=mark + text, text=False)
    assert r.returncode == 0 and b'of 4 solutions found' in r.stdout, r.stderr

def test_input_that_is_no_board():
    r = run('gram_solve', '-', input=b'\xff\x00\x81', text=False)
    assert r.returncode == 2 and b'no text in UTF-8' in r.stderr
    r = shell('gram_solve - <&-')
    assert r.returncode == 2 and len(r.stderr.splitlines()) == 1

def test_a_printed_board_is_accepted():
    "What gram_solve prints can be given back, in lines or as words."
    _, out, _ = refused.answer(['gram_solve', '--show', '1', *BOARD])
    board = out.split('valid\n')[1].strip().splitlines()[:8]
    for rows in (['\n'.join(board)], ' '.join(board).split()):
        status, out, err = refused.answer(['gram_solve', *rows])
        assert status == 0 and '1 of 1 solutions found' in out, err

def test_puzzles_with_a_byte_order_mark(tmp_path):
    path = tmp_path/'a.csv'
    assert refused.answer(['gram_data', '--problem', 'nqueens5-rows', '--out', str(path)])[0] == 0
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert 'in order' in refused.answer(['gram_data', '--problem', 'nqueens5-rows', '--check', str(path)])[1]

# ---- training

def test_a_run_says_what_it_does(tmp_path):
    "The memory it needs, the precision, and the progress of training and of the evaluation after it."
    _, out, err = tiny(tmp_path/'r', '--updates', '8')
    assert 'of memory' in out and 'gram, fp32' in err and 'sampling' in err

TINY = ['gram_train', '--preset', 'tiny', '--updates']

def killed_and_resumed(tmp_path, updates, *settings):
    "kill −9 after the second checkpoint, start again: log and weights equal those of an uninterrupted run."
    command = [*TINY, updates, '--set', 'validations=8', *settings]
    assert run(*command, '--out', 'whole', cwd=tmp_path).returncode == 0
    p = subprocess.Popen([BIN/command[0], *map(str, command[1:]), '--out', 'cut'], cwd=tmp_path, env=ENV,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    def validations():
        try: return len(read_csv(tmp_path/'cut'/'valid.csv')['update'])
        except InputError: return 0
    deadline = time.monotonic() + 300
    while validations() < 2 and p.poll() is None and time.monotonic() < deadline: time.sleep(.02)
    assert p.poll() is None, 'the run ended before it could be killed'
    p.send_signal(signal.SIGKILL); p.wait()
    assert run(*command, '--out', 'cut', cwd=tmp_path).returncode == 0
    assert (tmp_path/'cut'/'log.csv').read_bytes() == (tmp_path/'whole'/'log.csv').read_bytes()
    a, b = (load_file(tmp_path/d/'best.safetensors') for d in ('cut','whole'))
    assert all(torch.equal(a[k], b[k]) for k in b)

def test_killed_and_resumed_is_the_same_run(tmp_path): killed_and_resumed(tmp_path, 400)

def test_killed_and_resumed_in_bf16_and_compiled(tmp_path):
    killed_and_resumed(tmp_path, 1000, '--set', 'precision=bf16', '--set', 'compile=true')
    m = json.loads((tmp_path/'whole'/'metrics.json').read_text())
    assert m['precision'] == 'bf16' and m['compile'] and m['compile_seconds'] > 0

def test_a_run_can_be_made_longer_and_not_shorter(tmp_path):
    assert tiny(tmp_path/'r', '--updates', '20')[0] == 0
    assert tiny(tmp_path/'r', '--updates', '40')[0] == 0
    assert read_csv(tmp_path/'r'/'log.csv')['update'] == list(range(1, 41))
    assert json.loads((tmp_path/'r'/'metrics.json').read_text())['updates'] == 40
    assert read_csv(tmp_path/'r'/'valid.csv')['update'][-1] == 40
    before = files(tmp_path)
    for change in (['--updates', '30'], ['--updates', '40', '--set', 'lr=.1']):
        status, _, err = tiny(tmp_path/'r', *change)
        assert status == 2 and 'holds another run' in err and files(tmp_path) == before

def test_a_complete_run_is_only_loaded(tmp_path):
    "Also one by the clock, unless it is given more minutes."
    command = (tmp_path/'r', '--minutes', '.03')
    assert tiny(*command)[0] == 0
    before = files(tmp_path)
    status, out, _ = tiny(*command)
    assert status == 0 and 'accuracy' in out and files(tmp_path) == before
    ended = read_csv(tmp_path/'r'/'valid.csv')['update'][-1]
    assert tiny(tmp_path/'r', '--minutes', '.06')[0] == 0
    at = read_csv(tmp_path/'r'/'valid.csv')['update']
    assert at[-1] > ended + 5 and json.loads((tmp_path/'r'/'metrics.json').read_text())['updates'] == at[-1]

def test_answers_that_cannot_be_written(tmp_path, monkeypatch):
    "The disk is full when training is over: one line, and the same command completes the work."
    def full(*_, **__): raise OSError(28, 'No space left on device')
    with monkeypatch.context() as m:
        m.setattr(cli, 'save_tensors', full)
        status, _, err = tiny(tmp_path/'r', '--updates', '8')
    assert status == 2 and 'No space left' in err and 'same command again' in err
    assert not (tmp_path/'r'/'metrics.json').exists()
    assert tiny(tmp_path/'r', '--updates', '8')[0] == 0 and (tmp_path/'r'/'metrics.json').is_file()

def test_figures_are_shown_before_they_are_written(tmp_path, monkeypatch):
    "The disk is full when measuring is over."
    def full(*_, **__): raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(cli, 'write_atomic', full)
    command = 'gram_bench --preset tiny --seconds .05 --out'.split()
    status, out, err = refused.answer([*command, str(tmp_path/'bench.json')])
    assert status == 2 and 'times as fast' in out and 'No space left' in err and len(err.splitlines()) == 1

def test_nothing_written_holds_nan(tmp_path):
    "The baseline has no posterior, so its accuracy is no number."
    def refuse(word): raise AssertionError(word)
    assert tiny(tmp_path/'r', '--updates', '8', '--set', 'model=rrm')[0] == 0
    for name in ('config.json', 'metrics.json', 'manifest.json'):
        json.loads((tmp_path/'r'/name).read_text(), parse_constant=refuse)
    data = (tmp_path/'r'/'best.safetensors').read_bytes()
    header = json.loads(data[8:8 + int.from_bytes(data[:8], 'little')])
    json.loads(header['__metadata__']['gram_nb'], parse_constant=refuse)

LEFT = dict(WORLD_SIZE=''), dict(LOCAL_RANK='0'), dict(RANK='1', WORLD_SIZE='2')

@pytest.mark.parametrize('variables', LEFT)
def test_what_other_launchers_leave_behind(variables, tmp_path, monkeypatch):
    for k,v in variables.items(): monkeypatch.setenv(k, v)
    assert tiny(tmp_path/'r', '--updates', '8')[0] == 0

def test_the_run_writes_no_second_log(tmp_path):
    assert tiny(tmp_path/'r', '--updates', '8')[0] == 0
    assert {p.name for p in (tmp_path/'r').iterdir()} - {'lock'} == {
        'config.json', 'log.csv', 'valid.csv', 'checkpoint.safetensors', 'best.safetensors', 'metrics.json',
        'manifest.json', 'answers.safetensors'}

# ---- git

def manifest(folder): return json.loads((folder/'manifest.json').read_text())

def test_training_needs_no_git(tmp_path):
    "A slim container has none."
    (tmp_path/'empty').mkdir()
    r = run(*TINY, 8, '--out', 'r', cwd=tmp_path, env=dict(ENV, PATH=str(tmp_path/'empty')))
    assert r.returncode == 0, r.stderr
    assert manifest(tmp_path/'r')['git'] is None

@pytest.mark.skipif(not shutil.which('git'), reason='there is no git')
def test_only_the_repository_of_this_package_is_believed(tmp_path, monkeypatch):
    "In a virtual environment inside another repository, that one's commit says nothing about us."
    def git(*words): subprocess.run(['git', *words], cwd=tmp_path, check=True, capture_output=True)
    git('init')
    git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--allow-empty', '-m', 'first')
    def lies_in(folder): monkeypatch.setattr(gram_nb, '__file__', str(folder/'gram_nb'/'__init__.py'))
    (tmp_path/'site-packages').mkdir()
    lies_in(tmp_path/'site-packages')
    assert cli.commit() is None
    lies_in(tmp_path)
    assert len(cli.commit()) == 40
