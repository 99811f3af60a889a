"Hostile and damaged input through the public API, and runs that meet trouble: one clear line, nothing lost."
import errno, json, signal, subprocess, sys, time
from dataclasses import asdict, replace
from itertools import cycle
from pathlib import Path

import pytest
import refused
import torch
from filelock import FileLock
from hypothesis import given, settings, strategies as st
from safetensors.torch import save, save_file
from gram_nb import train as training
from gram_nb.checkpoints import load_model, load_tensors, read_csv
from gram_nb.problems import InputError
from gram_nb.problems.queens import NQueens, attacks, parse_board, read_puzzles
from gram_nb.settings import PRESETS, TrainConfig, get_preset
from gram_nb.train import TrainingFailed, train

ROOT, BIN = Path(__file__).resolve().parents[1], Path(sys.executable).parent

TINY = PRESETS['tiny']

def one_line(error, *words):
    text = str(error)
    assert text and '\n' not in text and len(text) < 600, text
    for w in words: assert w in text, text

# ---- refused

@pytest.fixture(scope='module')
def good(): return refused.good_checkpoint()

@pytest.mark.parametrize('name', refused.CHECKPOINTS)
def test_damaged_checkpoint(name, good, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused.damage(name, good, tmp_path/'bad.safetensors')
    with pytest.raises(InputError) as e: load_model(tmp_path/'bad.safetensors')
    one_line(e.value, 'bad.safetensors')
    assert not (tmp_path/'exploded').exists()

@pytest.mark.parametrize('name', refused.CALLS)
def test_hostile_call(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, words = refused.CALLS[name]
    with pytest.raises(InputError) as e: call()
    one_line(e.value, words)
    assert not list(tmp_path.iterdir())

def test_the_tables_are_long_enough():
    assert len(refused.CHECKPOINTS) + len(refused.CALLS) + len(refused.COMMANDS) >= 130

ROW = st.sampled_from(['Q.......', '.Q......', '.', '........', 'QQ......', '....Q...', 'Q . . . . . . .'])
ROWS = st.lists(ROW, min_size=6, max_size=9)
TEXTS = st.one_of(st.text(max_size=100), st.text('Q.q /\n', max_size=100))
BOARDS = st.one_of(TEXTS, ROWS.map(' '.join), ROWS.map('\n'.join))

@settings(max_examples=300, deadline=None)
@given(BOARDS)
def test_any_text_is_a_board_or_one_clear_line(text):
    try: cols = parse_board(text, 8)
    except InputError as e: return one_line(e.args[0])
    assert cols.shape == (8,) and -1 <= cols.min() and cols.max() < 8 and not attacks(cols).any()

VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
                   st.lists(st.integers(), max_size=2))
NAMES = st.one_of(st.sampled_from(sorted(asdict(TINY))), st.text(max_size=8).filter(lambda k: k != 'name'))

@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_any_settings_are_a_config_or_one_clear_line(changes):
    try: cfg = get_preset('tiny', **changes)
    except InputError as e: return one_line(e.args[0])
    assert isinstance(cfg, TrainConfig)

@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_file_of_puzzles_or_one_clear_line(text):
    try: read_puzzles(refused.HEAD + text, NQueens(8))
    except InputError as e: one_line(e.args[0])

# ---- a run in trouble

def quiet(cfg, folder): return train(cfg, folder, 'cpu', quiet=True)

def files(folder): return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != 'lock'}

CODE = """
import sys
from gram_nb.problems import InputError
from gram_nb.settings import get_preset
from gram_nb.train import TrainingFailed, train
try: train(get_preset('tiny', updates=%d), 'r', 'cpu', quiet=True)
except (InputError, TrainingFailed) as e: sys.exit(str(e))"""

def in_python(updates, cwd, **how):
    how = dict(capture_output=True, text=True, timeout=300) | how
    return subprocess.run([sys.executable, '-c', CODE % updates], cwd=cwd, **how)

@pytest.mark.skipif(not hasattr(signal, 'SIGXFSZ'), reason='files cannot be limited here')
def test_full_disk_keeps_the_last_good_checkpoint(tmp_path):
    "No file may grow beyond 100 kB, and the checkpoint does not fit: the write fails half-way."
    import resource
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    r = in_python(60, tmp_path, preexec_fn=limit)
    assert r.returncode == 1 and len(r.stderr.strip().splitlines()) == 1, r.stderr
    assert 'cannot write to r' in r.stderr and 'same command again' in r.stderr
    assert not list(tmp_path.rglob('*.tmp'))
    assert in_python(60, tmp_path).returncode == 0          # room again: the same command completes the run
    assert load_model(tmp_path/'r'/'best.safetensors')

def test_second_process_is_kept_out(tmp_path):
    quiet(replace(TINY, updates=20), tmp_path/'r')
    with FileLock(tmp_path/'r'/'lock'): r = in_python(20, tmp_path)
    assert r.returncode == 1 and 'another process is training in r' in r.stderr

def test_a_disk_that_cannot_lock_is_named(tmp_path, monkeypatch):
    "That is another fault than a second process."
    def fails(*_): raise OSError(errno.ENOLCK, 'No locks available')
    monkeypatch.setattr(pytest.importorskip('fcntl'), 'flock', fails)
    with pytest.raises(InputError) as e: quiet(TINY, tmp_path/'r')
    one_line(e.value, 'cannot lock', 'No locks available')

def started(tmp_path, **how):
    "A long training in another process that has begun its updates."
    command = 'gram_train --preset tiny --updates 3000 --set validations=300 --out r'.split()
    how |= dict(cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    p = subprocess.Popen([BIN/command[0], *command[1:]], **how)
    while not (tmp_path/'r'/'checkpoint.safetensors').exists() and p.poll() is None: time.sleep(.05)
    return p

@pytest.mark.parametrize('name,status', (('SIGINT', 130), ('SIGTERM', 143), ('SIGHUP', 129)))
def test_signal_saves_and_leaves(name, status, tmp_path):
    number = getattr(signal, name)
    p = started(tmp_path, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))     # nohup ignores some
    p.send_signal(number)
    _, err = p.communicate(timeout=60)
    assert p.returncode == status and 'saved at update' in err.splitlines()[-1]
    _, meta = load_tensors(tmp_path/'r'/'checkpoint.safetensors')
    assert 0 < meta['update'] < 3000
    assert len(read_csv(tmp_path/'r'/'log.csv')['update']) == meta['update']

def test_a_signal_that_was_ignored_stays_ignored(tmp_path):
    "As under nohup, or in the background of a shell script."
    p = started(tmp_path, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    p.send_signal(signal.SIGINT)
    time.sleep(1)
    assert p.poll() is None
    p.kill(); p.communicate()

def test_clock_changes_do_not_matter(tmp_path, monkeypatch):
    "A clock that jumps back an hour at every look changes neither log nor weights."
    quiet(TINY, tmp_path/'a')
    clock = iter(range(10**6, -10**12, -3600))
    monkeypatch.setattr(time, 'time', lambda: float(next(clock)))
    quiet(TINY, tmp_path/'b')
    a, b = files(tmp_path/'a'), files(tmp_path/'b')
    for name in ('log.csv', 'best.safetensors'): assert a[name] == b[name]

def test_exploding_loss_names_the_update_and_keeps_the_checkpoint(tmp_path):
    cfg = replace(TINY, lr=1e12, clip=1e12, warmup=1)
    with pytest.raises(TrainingFailed) as e: quiet(cfg, tmp_path/'r')
    one_line(e.value, 'at update')

# ---- a damaged folder

@pytest.fixture(scope='module')
def complete(tmp_path_factory):
    "The files of a complete run of 20 updates."
    folder = tmp_path_factory.mktemp('complete')/'r'
    quiet(replace(TINY, updates=20), folder)
    return files(folder)

def restored(complete, folder, **changed):
    folder.mkdir()
    for name,data in (complete | changed).items():
        if data is not None: (folder/name).write_bytes(data)

def foreign(tmp_path):
    save_file({'w': torch.zeros(3)}, tmp_path/'foreign.safetensors')
    return (tmp_path/'foreign.safetensors').read_bytes()

DAMAGE = {
    'settings cut off': ('config.json', lambda data: b'{'),
    'settings a list': ('config.json', lambda data: b'[]'),
    'checkpoint damaged': ('checkpoint.safetensors', lambda data: b'x'),
    'checkpoint cut off': ('checkpoint.safetensors', lambda data: data[:-1]),
    'log emptied': ('log.csv', lambda data: b''),
    'log deleted': ('log.csv', lambda data: None),
    'log without its header': ('log.csv', lambda data: data.split(b'\n', 1)[1]),
    'log cut in a row': ('log.csv', lambda data: data[:-30]),
    'log cut at a row': ('log.csv', lambda data: b'\n'.join(data.split(b'\n')[:9])),
    'log with semicolons': ('log.csv', lambda data: data.replace(b',', b';')),
    'log of a spreadsheet': ('log.csv', lambda data: data.replace(b'.', b',')),
    'log of zeros': ('log.csv', lambda data: bytes(200_000)),
    'log is no text': ('log.csv', lambda data: b'\xff\xfe\x00\xd8'),
    'best weights deleted': ('best.safetensors', lambda data: None),
    'best weights of another run': ('best.safetensors', lambda data: save({'w': torch.zeros(3)})),
    'validations emptied': ('valid.csv', lambda data: b''),
    'validations deleted': ('valid.csv', lambda data: None),
    'validations with semicolons': ('valid.csv', lambda data: data.replace(b',', b';')),
}

@pytest.mark.parametrize('name', DAMAGE)
@pytest.mark.parametrize('updates', (20, 40))
def test_damaged_run_folder_is_refused(name, updates, complete, tmp_path):
    "Loaded again, or made longer: one line that names the file, and nothing is written."
    file, change = DAMAGE[name]
    restored(complete, tmp_path/'r', **{file: change(complete[file])})
    before = files(tmp_path/'r')
    with pytest.raises(InputError) as e: quiet(replace(TINY, updates=updates), tmp_path/'r')
    one_line(e.value, file)
    after = files(tmp_path/'r')
    if updates == 40: after['config.json'] = before['config.json']      # it notes the new length first
    assert after == before

def test_a_log_with_a_byte_order_mark_loses_no_row(complete, tmp_path):
    restored(complete, tmp_path/'r', **{'log.csv': b'\xef\xbb\xbf' + complete['log.csv']})
    quiet(replace(TINY, updates=40), tmp_path/'r')
    assert read_csv(tmp_path/'r'/'log.csv')['update'] == list(range(1, 41))

def test_a_foreign_checkpoint_in_a_runs_folder(complete, tmp_path):
    restored(complete, tmp_path/'r', **{'checkpoint.safetensors': foreign(tmp_path)})
    with pytest.raises(InputError) as e: quiet(replace(TINY, updates=20), tmp_path/'r')
    one_line(e.value, 'checkpoint.safetensors', 'not of this run')

def test_killed_while_the_settings_were_written(tmp_path):
    (tmp_path/'r').mkdir()
    (tmp_path/'r'/'config.json.tmp').write_bytes(b'{"problem": "nq')
    (tmp_path/'r'/'lock').touch()
    assert quiet(replace(TINY, updates=8), tmp_path/'r').update == 8

# ---- what is decided once, and what the clock counts

def test_precision_is_decided_once(tmp_path, monkeypatch):
    "A stopwatch that says something else at every look does not change a run."
    says = cycle(('bf16', 'fp32'))
    monkeypatch.setattr(training, 'fastest_precision', lambda device: next(says))
    cfg = replace(TINY, precision='auto', updates=20)
    first = quiet(cfg, tmp_path/'r').cfg.precision
    for updates in (20, 40, 60):
        assert quiet(replace(cfg, updates=updates), tmp_path/'r').cfg.precision == first
    assert load_tensors(tmp_path/'r'/'checkpoint.safetensors')[1]['config']['precision'] == first
    assert json.loads((tmp_path/'r'/'config.json').read_text())['precision'] == first

def by_the_clock(seconds, **changes): return replace(TINY, updates=0, minutes=seconds/60, **changes)

def test_the_clock_does_not_count_compiling(tmp_path, monkeypatch):
    def slow(t, quiet=False):
        time.sleep(3)
        t.compile_seconds += 3
    monkeypatch.setattr(training, 'compile_step', slow)
    began = time.monotonic()
    t = quiet(by_the_clock(3), tmp_path/'r')
    assert 2 < t.seconds < 4 and t.compile_seconds == 3 and time.monotonic() - began > 5
    assert t.update > 5

def test_a_short_run_is_not_compiled():
    assert not training.decided(by_the_clock(120, compile=True), 'cpu').compile
    assert training.decided(by_the_clock(600, compile=True), 'cpu').compile

def test_overdue_validations_are_one(tmp_path, monkeypatch):
    "Validations take longer than the time between them: no two follow one another at once."
    usual = training.validate
    def slow(t):
        time.sleep(.4)
        return usual(t)
    monkeypatch.setattr(training, 'validate', slow)
    t = quiet(by_the_clock(3, validations=100), tmp_path/'r')
    at = [row[0] for row in t.validated]
    assert 2 <= len(at) <= 8 and at == sorted(set(at))
