"Hostile and damaged input through the public API: each ends in one clear line that names the thing, nothing is overwritten, nothing executed."
import json, pickle, resource, signal, subprocess, sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings, strategies as st
from safetensors.torch import save_file
from gram_nb.inference import sample
from gram_nb.problems import InputError, NQueens, get_problem, parse_board, puzzles_csv, read_puzzles
from gram_nb.recursion import ModelConfig
from gram_nb.train import PRESETS, TrainConfig, TrainingFailed, get_preset, load_model, load_tensors, save_tensors, train

TINY = PRESETS['tiny']
HEAD = 'puzzle,answer,split\n'

class Bomb:
    "Unpickling this would write a file."
    def __reduce__(self): return (Path.write_text, (Path('exploded'), 'boom'))

@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    "A good small checkpoint as (bytes, tensors, meta)."
    path = tmp_path_factory.mktemp('good')/'good.safetensors'
    model, _ = TINY.build()
    save_tensors(path, model.state_dict(), config=asdict(TINY))
    return path.read_bytes(), *load_tensors(path)

def damaged(how, checkpoint, tmp_path):
    "A damaged checkpoint's path."
    data, tensors, meta = checkpoint
    path, header = tmp_path/'bad.safetensors', int.from_bytes(data[:8], 'little')
    def config(**changes): save_tensors(path, tensors, config={k: v for k,v in (meta['config'] | changes).items() if v != 'missing'})
    def weights(changed): save_tensors(path, changed, **meta)
    dict(empty=lambda: path.write_bytes(b''),
         one_byte=lambda: path.write_bytes(b'\0'),
         half=lambda: path.write_bytes(data[:len(data)//2]),
         last_byte_missing=lambda: path.write_bytes(data[:-1]),
         bytes_appended=lambda: path.write_bytes(data + b'more'),
         flipped_in_header=lambda: path.write_bytes(data[:20] + bytes([data[20] ^ 255]) + data[21:]),
         flipped_in_weights=lambda: path.write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]),
         header_says_huge=lambda: path.write_bytes((2**62).to_bytes(8, 'little') + data[8:]),
         header_is_no_json=lambda: path.write_bytes(data[:8] + b'x'*header + data[8+header:]),
         zeros=lambda: path.write_bytes(bytes(len(data))),
         text=lambda: path.write_text('these are not weights'),
         pickle=lambda: path.write_bytes(pickle.dumps(Bomb())),
         torch_pickle=lambda: torch.save({'a': Bomb()}, path),
         zip=lambda: path.write_bytes(b'PK\x03\x04' + bytes(100)),
         folder=lambda: path.mkdir(),
         foreign=lambda: save_file({'w': torch.zeros(3)}, path),
         foreign_with_metadata=lambda: save_file({'w': torch.zeros(3)}, path, {'format': 'pt'}),
         unknown_field=lambda: config(colour='red'),
         unknown_model=lambda: config(model='gpt'),
         other_problem=lambda: config(problem='nqueens6-board'),
         unknown_problem=lambda: config(problem='sudoku'),
         size_out_of_range=lambda: config(dim=10**9),
         wrong_type=lambda: config(dim='32'),
         negative=lambda: config(heads=-4),
         not_finite=lambda: config(lr=float('inf')),
         config_is_a_list=lambda: save_tensors(path, tensors, config=[1,2]),
         tensor_missing=lambda: weights({k: v for k,v in tensors.items() if k != 'decoder.weight'}),
         tensor_added=lambda: weights({**tensors, 'more': torch.zeros(3)}),
         wrong_shape=lambda: weights({**tensors, 'decoder.weight': torch.zeros(2,2)}))[how]()
    return path

CHECKPOINTS = ('empty one_byte half last_byte_missing bytes_appended flipped_in_header flipped_in_weights header_says_huge header_is_no_json zeros text pickle torch_pickle zip folder foreign foreign_with_metadata unknown_field '
               'unknown_model other_problem unknown_problem size_out_of_range wrong_type negative not_finite config_is_a_list tensor_missing tensor_added wrong_shape').split()

def one_line(error, *words):
    text = str(error)
    assert text and '\n' not in text and len(text) < 500, text
    for w in words: assert w in text, text

@pytest.mark.parametrize('how', CHECKPOINTS)
def test_damaged_checkpoint(how, checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = damaged(how, checkpoint, tmp_path)
    with pytest.raises(InputError) as e: load_model(path)
    one_line(e.value, 'bad.safetensors')
    assert not (tmp_path/'exploded').exists()

OTHERS = {      # name → (call, words of its error)
    'board of a million': (lambda: NQueens(10**6), 'go from 4 to 12'),
    'board of 3': (lambda: NQueens(3), 'go from 4 to 12'),
    'unknown encoding': (lambda: NQueens(8, 'bits'), 'encoding'),
    'unknown problem': (lambda: get_problem('../../etc/passwd'), 'unknown problem'),
    'path as preset': (lambda: get_preset('../tiny'), 'unknown preset'),
    'a billion samples': (lambda: sample(*tiny_puzzle(), samples=10**9), '100 million'),
    'no samples': (lambda: sample(*tiny_puzzle(), samples=0), 'at least 1'),
    'steps below one': (lambda: sample(*tiny_puzzle(), n_sup=-2), 'at least 1'),
    'noise below zero': (lambda: sample(*tiny_puzzle(), scale=-.1), 'at least 0'),
    'noise that is no number': (lambda: sample(*tiny_puzzle(), scale=float('nan')), 'at least 0'),
    'dim of a billion': (lambda: TrainConfig(updates=1, dim=10**9), 'at most'),
    'batch of a billion': (lambda: TrainConfig(updates=1, batch=10**9), 'at most'),
    'a billion blocks': (lambda: TrainConfig(updates=1, blocks=10**9), 'at most'),
    'no length': (lambda: TrainConfig(), 'either updates or minutes'),
    'both lengths': (lambda: TrainConfig(updates=1, minutes=1.), 'either updates or minutes'),
    'truth as a number': (lambda: TrainConfig(updates=True), 'must be of type int'),
    'text as a number': (lambda: TrainConfig(updates=1, lr='fast'), 'must be of type float'),
    'nothing as a number': (lambda: TrainConfig(updates=None), 'must be of type int'),
    'not a number': (lambda: TrainConfig(updates=1, beta=float('nan')), 'finite'),
    'ema of one': (lambda: TrainConfig(updates=1, ema=1.), 'ema must be below 1'),
    'alpha of two': (lambda: TrainConfig(updates=1, alpha=2.), 'alpha at most 1'),
    'unknown charge': (lambda: TrainConfig(updates=1, charge='none'), 'unknown charge'),
    'unknown precision': (lambda: TrainConfig(updates=1, precision='fp8'), 'unknown precision'),
    'dim of 0': (lambda: ModelConfig(8, 8, 10, dim=0), 'at least 1'),
    'run named with a null byte': (lambda: train(TINY, 'a\0b', 'cpu', quiet=True), 'cannot write'),
    'read-only folder': (lambda: train(TINY, '/sys/run', 'cpu', quiet=True), 'cannot write'),
    'run below a file': (lambda: train(TINY, '/dev/null/run', 'cpu', quiet=True), 'cannot write'),
    'empty file of puzzles': (lambda: read_puzzles('', NQueens(8)), 'first line'),
    'puzzles without a header': (lambda: read_puzzles('........,15863724,train', NQueens(8)), 'first line'),
    'field missing': (lambda: read_puzzles(HEAD + '........,15863724', NQueens(8)), 'line 2 has 2 fields'),
    'puzzle too short': (lambda: read_puzzles(HEAD + '.......,15863724,train', NQueens(8)), 'has 7 rows, not 8'),
    'unknown symbol': (lambda: read_puzzles(HEAD + '.......x,15863724,train', NQueens(8)), "unknown symbol 'x'"),
    'queen off the board': (lambda: read_puzzles(HEAD + '.......9,15863724,train', NQueens(8)), "unknown symbol '9'"),
    'wrong answer': (lambda: read_puzzles(HEAD + '........,12345678,train', NQueens(8)), 'does not solve'),
    'answer against a given': (lambda: read_puzzles(HEAD + '2.......,15863724,train', NQueens(8)), 'does not solve'),
    'unknown split': (lambda: read_puzzles(HEAD + '........,15863724,exam', NQueens(8)), 'unknown split'),
    'duplicated pair': (lambda: read_puzzles(HEAD + 2*'........,15863724,train\n', NQueens(8)), 'stands there twice'),
    'leaked test input': (lambda: read_puzzles(HEAD + '........,15863724,train\n........,16837425,test', NQueens(8)), 'leak'),
}

def tiny_puzzle():
    model, problem = TINY.build()
    return model, problem.puzzles().inputs[:1]

@pytest.mark.parametrize('name', OTHERS)
def test_hostile_call(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, words = OTHERS[name]
    with pytest.raises(InputError) as e: call()
    one_line(e.value, words)
    assert not list(tmp_path.iterdir())

def test_the_table_is_long_enough(): assert len(CHECKPOINTS) + len(OTHERS) >= 50

@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=100), st.text('Q.q /\n', max_size=100), st.lists(st.sampled_from(['Q.......', '.Q......', '.', '........', 'QQ......', '....Q...']), min_size=6, max_size=9).map(' '.join)))
def test_any_text_is_a_board_or_one_clear_line(text):
    try: cols = parse_board(text, 8)
    except InputError as e: return one_line(e.args[0])
    from gram_nb.problems import attacks
    assert cols.shape == (8,) and -1 <= cols.min() and cols.max() < 8 and not attacks(cols).any()

values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=2))
@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.one_of(st.sampled_from(sorted(asdict(TINY))), st.text(max_size=8)), values, max_size=3))
def test_any_settings_are_a_config_or_one_clear_line(changes):
    try: cfg = get_preset('tiny', **changes)
    except InputError as e: return one_line(e.args[0])
    assert isinstance(cfg, TrainConfig)

@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_file_of_puzzles_or_one_clear_line(text):
    try: read_puzzles(HEAD + text, NQueens(8))
    except InputError as e: one_line(e.args[0])

def run_python(code, cwd, **kwargs): return subprocess.run([sys.executable, '-c', code], cwd=cwd, capture_output=True, text=True, timeout=300, **kwargs)

TRAIN = "import sys; from gram_nb.train import *; from gram_nb.problems import InputError\ntry: train(get_preset('tiny', updates=%d), 'r', 'cpu', quiet=True)\nexcept (InputError, TrainingFailed) as e: sys.exit(str(e))"

def test_full_disk_keeps_the_last_good_checkpoint(tmp_path):
    "No file may grow beyond 100 kB: the checkpoint does not fit. (As on a full disk, the write fails half-way.)"
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    r = run_python(TRAIN % 60, tmp_path, preexec_fn=limit)
    assert r.returncode == 1 and 'cannot write to r' in r.stderr and 'same command again' in r.stderr and len(r.stderr.strip().splitlines()) == 1, r.stderr
    assert not list(tmp_path.rglob('*.tmp'))
    assert run_python(TRAIN % 60, tmp_path).returncode == 0                         # room again: the same command completes the run
    assert load_model(tmp_path/'r'/'best.safetensors')

def test_second_process_is_kept_out(tmp_path):
    import fcntl
    assert run_python(TRAIN % 20, tmp_path).returncode == 0
    with open(tmp_path/'r'/'lock', 'w') as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        r = run_python(TRAIN % 20, tmp_path)
    assert r.returncode == 1 and 'another process is training in r' in r.stderr

@pytest.mark.parametrize('number,code', [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_saves_and_leaves(number, code, tmp_path):
    command = [Path(sys.executable).parent/'gram_train', '--preset', 'tiny', '--updates', '3000', '--out', 'r']
    p = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not (tmp_path/'r'/'lock').exists() and p.poll() is None: pass
    import time; time.sleep(2)
    p.send_signal(number)
    _, err = p.communicate(timeout=60)
    assert p.returncode == code and 'stopped and saved at update' in err.splitlines()[-1]
    _, meta = load_tensors(tmp_path/'r'/'checkpoint.safetensors')
    assert 0 < meta['update'] < 3000

def test_clock_changes_do_not_matter(tmp_path, monkeypatch):
    "A clock that jumps back an hour at every look changes neither log nor weights."
    import time
    a = train(TINY, tmp_path/'a', 'cpu', quiet=True)
    clock = iter(range(10**6, -10**12, -3600))
    monkeypatch.setattr(time, 'time', lambda: float(next(clock)))
    b = train(TINY, tmp_path/'b', 'cpu', quiet=True)
    assert (tmp_path/'a'/'log.csv').read_bytes() == (tmp_path/'b'/'log.csv').read_bytes()
    assert (tmp_path/'a'/'best.safetensors').read_bytes() == (tmp_path/'b'/'best.safetensors').read_bytes()

def test_exploding_loss_names_the_update_and_keeps_the_checkpoint(tmp_path):
    cfg = replace(TINY, lr=1e12, clip=1e12, warmup=1)
    with pytest.raises(TrainingFailed) as e: train(cfg, tmp_path/'r', 'cpu', quiet=True)
    one_line(e.value, 'at update')

def test_damaged_run_folder_is_refused(tmp_path):
    train(replace(TINY, updates=20), tmp_path/'r', 'cpu', quiet=True)
    for name,data in (('config.json', b'{'), ('config.json', b'[]'), ('checkpoint.safetensors', b'x')):
        good = (tmp_path/'r'/name).read_bytes()
        (tmp_path/'r'/name).write_bytes(data)
        with pytest.raises(InputError) as e: train(replace(TINY, updates=20), tmp_path/'r', 'cpu', quiet=True)
        one_line(e.value, name)
        assert (tmp_path/'r'/name).read_bytes() == data                 # not overwritten
        (tmp_path/'r'/name).write_bytes(good)
