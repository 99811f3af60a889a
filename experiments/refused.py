"""Damaged files, hostile calls and mistaken commands, and the one line that answers each:
`python experiments/refused.py` writes data/results/refused_inputs.md. The tests use the same tables."""
import contextlib, io, os, pickle, sys, tempfile
from dataclasses import asdict
from pathlib import Path

import torch
from fastcore.script import call_parse
from safetensors.torch import save_file
from gram_nb import cli
from gram_nb.checkpoints import load_model, load_tensors, save_tensors, write_atomic
from gram_nb.halting import Halting
from gram_nb.inference import sample
from gram_nb.problems import InputError, get_problem
from gram_nb.problems.queens import NQueens, parse_board, read_puzzles
from gram_nb.recursion import ModelConfig
from gram_nb.settings import PRESETS, TrainConfig, get_preset
from gram_nb.train import train

ROOT = Path(__file__).resolve().parents[1]
TINY = PRESETS['tiny']
HEAD = 'puzzle,answer,split\n'

# ---- checkpoints

class Bomb:
    "Unpickling this would write a file."
    def __reduce__(self): return (Path.write_text, (Path('exploded'), 'boom'))

def good_checkpoint() -> tuple:     # bytes, tensors, meta
    "A small checkpoint that can be loaded."
    with tempfile.TemporaryDirectory() as d:
        path = Path(d)/'good.safetensors'
        save_tensors(path, TINY.build()[0].state_dict(), config=asdict(TINY))
        return path.read_bytes(), *load_tensors(path)

HEADER = 8      # bytes that hold the length of a safetensors file's header

BYTES = {       # name → the bytes of a damaged file, from those of a good one
    'empty': lambda data: b'',
    'one byte': lambda data: b'\0',
    'half': lambda data: data[:len(data)//2],
    'last byte missing': lambda data: data[:-1],
    'bytes appended': lambda data: data + b'more',
    'flipped in the header': lambda data: data[:20] + bytes([data[20] ^ 255]) + data[21:],
    'flipped in the weights': lambda data: data[:-100] + bytes([data[-100] ^ 1]) + data[-99:],
    'header says huge': lambda data: (2**62).to_bytes(HEADER, 'little') + data[HEADER:],
    'header is no JSON': lambda data: data[:HEADER] + b'x'*(len(data) - HEADER),
    'zeros': lambda data: bytes(len(data)),
    'text': lambda data: b'these are not weights',
    'pickle': lambda data: pickle.dumps(Bomb()),
    'zip': lambda data: b'PK\x03\x04' + bytes(100),
}
CONFIGS = {     # name → settings that do not fit
    'unknown field': dict(colour='red'),
    'unknown model': dict(model='gpt'),
    'other problem': dict(problem='nqueens6-board'),
    'unknown problem': dict(problem='sudoku'),
    'size out of range': dict(dim=10**9),
    'wrong type': dict(dim='32'),
    'negative': dict(heads=-4),
    'not finite': dict(lr=1e400),
}
TENSORS = {     # name → other weights, from good ones
    'tensor missing': lambda tensors: {k: v for k,v in tensors.items() if k != 'decoder.weight'},
    'tensor added': lambda tensors: {**tensors, 'more': torch.zeros(3)},
    'wrong shape': lambda tensors: {**tensors, 'decoder.weight': torch.zeros(2,2)},
}
FILES = {       # name → a function that writes something else at a path
    'torch pickle': lambda path: torch.save({'a': Bomb()}, path),
    'folder': lambda path: path.mkdir(),
    'foreign': lambda path: save_file({'w': torch.zeros(3)}, path),
    'foreign with metadata': lambda path: save_file({'w': torch.zeros(3)}, path, {'format': 'pt'}),
    'settings are a list': lambda path: save_tensors(path, {'w': torch.zeros(3)}, config=[1,2]),
    'not there': lambda path: None,
}
CHECKPOINTS = (*BYTES, *CONFIGS, *TENSORS, *FILES)

def damage(name: str, good: tuple, path: Path):
    "Write a damaged checkpoint."
    data, tensors, meta = good
    if name in BYTES: path.write_bytes(BYTES[name](data))
    elif name in CONFIGS: save_tensors(path, tensors, config=meta['config'] | CONFIGS[name])
    elif name in TENSORS: save_tensors(path, TENSORS[name](tensors), **meta)
    else: FILES[name](path)

# ---- calls

def tiny_sample(**how):
    model, problem = TINY.build()
    return sample(model, problem.puzzles().inputs[:1], **how)

def read(lines: str): return read_puzzles(HEAD + lines, NQueens(8))
def config(**changes): return TrainConfig(**{'updates': 1, **changes})
def run_in(folder): return train(TINY, folder, 'cpu', quiet=True)

CALLS = {       # name → a call, and words of its error
    'board of a million': (lambda: NQueens(10**6), 'go from 4 to 12'),
    'board of 3': (lambda: NQueens(3), 'go from 4 to 12'),
    'unknown encoding': (lambda: NQueens(8, 'bits'), 'encoding'),
    'unknown problem': (lambda: get_problem('../../etc/passwd'), 'unknown problem'),
    'path as preset': (lambda: get_preset('../tiny'), 'unknown preset'),
    'unknown split': (lambda: get_problem('nqueens5-rows').parts('random'), 'unknown split'),
    'a billion samples': (lambda: tiny_sample(samples=10**9), '100 million'),
    'no samples': (lambda: tiny_sample(samples=0), 'at least 1'),
    'steps below one': (lambda: tiny_sample(n_sup=-2), 'at least 1'),
    'noise below zero': (lambda: tiny_sample(scale=-.1), 'at least 0'),
    'noise that is no number': (lambda: tiny_sample(scale=float('nan')), 'at least 0'),
    'unknown halting rule': (lambda: Halting('soon'), 'unknown halting rule'),
    'threshold that is no number': (lambda: Halting('confidence', float('nan')), 'between 0 and 1'),
    'threshold of 5': (lambda: Halting('confidence', 5), 'between 0 and 1'),
    'halting without heads': (lambda: Halting('halt'), 'needs heads'),
    'dim of a billion': (lambda: config(dim=10**9), 'at most'),
    'batch of a billion': (lambda: config(batch=10**9), 'at most'),
    'a billion blocks': (lambda: config(blocks=10**9), 'at most'),
    'a billion steps': (lambda: config(n_sup=10**9), 'at most'),
    'seed of 65 bits': (lambda: config(seed=2**64), 'at most'),
    'negative seed': (lambda: config(seed=-1), 'must not be negative'),
    'no length': (lambda: TrainConfig(), 'either updates or minutes'),
    'both lengths': (lambda: config(minutes=1.), 'either updates or minutes'),
    'truth as a number': (lambda: TrainConfig(updates=True), 'must be of type int'),
    'text as a number': (lambda: config(lr='fast'), 'must be of type float'),
    'nothing as a number': (lambda: TrainConfig(updates=None), 'must be of type int'),
    'not a number': (lambda: config(beta=float('nan')), 'finite'),
    'number of 400 digits': (lambda: config(lr=10**400), 'finite'),
    'ema of one': (lambda: config(ema=1.), 'ema must be below 1'),
    'alpha of two': (lambda: config(alpha=2.), 'alpha at most 1'),
    'unknown transitions': (lambda: config(kl_transitions='none'), 'unknown kl_transitions'),
    'unknown precision': (lambda: config(precision='fp8'), 'unknown precision'),
    'dim of 0': (lambda: ModelConfig(8, 8, 10, dim=0), 'at least 1'),
    'run named with a null byte': (lambda: run_in('a\0b'), 'cannot write'),
    'read-only folder': (lambda: run_in('/sys/run'), 'cannot write'),
    'run below a file': (lambda: run_in('/dev/null/run'), 'cannot write'),
    'empty board': (lambda: parse_board('', 8), '0 rows'),
    'board of 100,000 queens': (lambda: parse_board('Q'*10**5, 8), '1 row'),
    'empty file of puzzles': (lambda: read_puzzles('', NQueens(8)), 'first line'),
    'puzzles without a header': (lambda: read_puzzles('........,15863724,test', NQueens(8)), 'first line'),
    'field missing': (lambda: read('........,15863724'), 'line 2: 2 fields'),
    'puzzle too short': (lambda: read('.......,15863724,train'), 'has 7 rows, not 8'),
    'unknown symbol': (lambda: read('.......x,15863724,train'), "unknown symbol 'x'"),
    'queen off the board': (lambda: read('.......9,15863724,train'), "unknown symbol '9'"),
    'wrong answer': (lambda: read('........,12345678,train'), 'does not solve'),
    'answer against a given': (lambda: read('2.......,15863724,train'), 'does not solve'),
    'unknown part': (lambda: read('........,15863724,exam'), 'unknown split'),
    'duplicated pair': (lambda: read(2*'........,15863724,train\n'), 'stands there twice'),
    'leaked test input': (lambda: read('........,15863724,train\n........,16837425,test'), 'leak'),
}

# ---- commands

def make_files(folder: Path):
    "What the commands below need."
    save_file({'w': torch.zeros(3)}, folder/'foreign.safetensors')
    (folder/'cut.safetensors').write_bytes((folder/'foreign.safetensors').read_bytes()[:-2])
    torch.save({'w': torch.zeros(3)}, folder/'pickle.pt')
    (folder/'header.csv').write_text('source,question,answer,rating\n')
    (folder/'leak.csv').write_text(HEAD + '........,15863724,train\n........,16837425,test\n')
    (folder/'broken.py').write_text('import nothing_of_this_name\n')
    (folder/'other.txt').write_text('kept\n')
    (folder/'folder').mkdir()

LONG = 'a'*300      # too long for a name
BOARD = 'Q....... . . . . . . .'.split()
SUDOKU = ['gram_data', '--problem', 'sudoku9']
SOLVE, EVAL, TRAIN = ['gram_solve'], ['gram_eval'], ['gram_train', '--preset', 'tiny', '--out', 'r']

COMMANDS = {    # name → a command, and words of its error
    'board with 7 rows': (SOLVE + BOARD[:7], '7 rows, not 8'),
    'row of 9': (SOLVE + ['Q........', *BOARD[1:]], 'row 1 has 9 squares'),
    'unknown character': (SOLVE + ['X.......', *BOARD[1:]], 'unknown character'),
    'attacking queens': (SOLVE + ['Q.......', '.Q......', *BOARD[2:]], 'attack one another'),
    'two queens in a row': (SOLVE + ['QQ......', *BOARD[1:]], 'two queens'),
    'no board': (SOLVE, 'arguments are required'),
    'negative samples': (SOLVE + ['--samples', '-3', *BOARD], 'between 1 and 100000'),
    'a billion samples': (SOLVE + ['--samples', '1000000000', *BOARD], 'between 1 and 100000'),
    'a billion steps': (SOLVE + ['--steps', '1000000000', *BOARD], 'between 1 and 10000'),
    'negative noise': (SOLVE + ['--scale', '-1', *BOARD], '--scale must lie between'),
    'noise that is no number': (SOLVE + ['--scale', 'nan', *BOARD], '--scale must lie between'),
    'seed of 65 bits': (SOLVE + ['--seed', str(2**64), *BOARD], '--seed must lie between'),
    'threshold of 5': (SOLVE + ['--threshold', '5', *BOARD], '--threshold must lie'),
    'option given twice': (SOLVE + ['--seed', '1', '--seed=2', *BOARD], '--seed is given twice'),
    'option that does not exist': (SOLVE + ['--fast', *BOARD], '--help'),
    'option that is no number': (SOLVE + ['--samples', 'many', *BOARD], 'invalid int value'),
    'missing weights': (EVAL + ['--weights', 'none.safetensors'], 'no checkpoint at'),
    'foreign weights': (EVAL + ['--weights', 'foreign.safetensors'], 'holds no gram_nb settings'),
    'truncated weights': (EVAL + ['--weights', 'cut.safetensors'], 'not a whole safetensors file'),
    'pickled weights': (EVAL + ['--weights', 'pickle.pt'], 'not a whole safetensors file'),
    'weights of another problem': (EVAL + ['--weights', 'nqueens12-rows'], 'no weights for nqueens12-rows'),
    'weights with a name too long': (EVAL + ['--weights', LONG], 'no checkpoint at'),
    'a repository that cannot be': (EVAL + ['--weights', 'hf:a b'], 'from the Hub'),
    'a billion samples to evaluate': (EVAL + ['--samples', '1000000000'], 'between 1 and 100000'),
    'a billion steps to evaluate': (EVAL + ['--steps', '1000000000'], 'between 1 and 10000'),
    'a billion votes': (EVAL + ['--select-by-vote', '1000000000'], 'between 0 and 100000'),
    'negative restarts': (EVAL + ['--restarts', '-1'], '--restarts must lie between'),
    'confidence that is no number': (EVAL + ['--confidence', 'nan'], '--confidence must lie between'),
    'restarts and votes': (EVAL + ['--restarts', '2', '--select-by-vote', '80'], 'give one of them'),
    'unknown halting rule': (EVAL + ['--halting', 'soon'], 'unknown halting rule'),
    'no symmetry to augment': (EVAL + ['--augment'], 'knows no symmetry'),
    'module that is broken': (EVAL + ['--module', 'broken.py'], 'ModuleNotFoundError'),
    'module that is not there': (EVAL + ['--module', 'none.py'], 'there is no module'),
    'module with a name too long': (EVAL + ['--module', f'{LONG}.py'], 'there is no module'),
    'split that leaves nothing to train on': (TRAIN + ['--set', 'split=orbits'], 'no puzzles left'),
    'rival that needs attention': (TRAIN + ['--set', 'model=ar', '--set', 'mixer=mlp'], 'ar needs attention'),
    'unknown preset': (['gram_train', '--preset', 'huge'], 'unknown preset'),
    'negative minutes': (TRAIN + ['--minutes', '-1'], 'must not be negative'),
    'minutes and updates': (TRAIN + ['--minutes', '1', '--updates', '9'], 'give one of them'),
    'updates in two places': (TRAIN + ['--updates', '9', '--set', 'updates=8'], 'updates is given twice'),
    'seed in two places': (TRAIN + ['--seed', '1', '--settings', '{"seed": 2}'], 'seed is given twice'),
    'settings that are no JSON': (TRAIN + ['--settings', 'lr=1'], 'JSON object'),
    'settings nested a million deep': (TRAIN + ['--settings', '['*100_000], 'JSON object'),
    'unknown setting': (TRAIN + ['--settings', '{"depth": 1}'], 'unknown setting'),
    'unknown name to set': (TRAIN + ['--set', 'depth=1'], '--set takes NAME=VALUE'),
    'setting without a value': (TRAIN + ['--set', 'lr'], '--set takes NAME=VALUE'),
    'setting of a wrong type': (TRAIN + ['--set', 'dim=big'], 'must be of type int'),
    'learning rate of 400 digits': (TRAIN + ['--settings', f'{{"lr": {10**400}}}'], 'finite'),
    'heads that do not divide': (TRAIN + ['--set', 'dim=33'], 'multiple of'),
    'more memory than there is': (TRAIN + ['--settings', '{"dim": 16384, "hidden": 65536, "blocks": 64}'],
                                  'GiB of memory'),
    'folder that is no run': (['gram_train', '--preset', 'tiny', '--out', '.'], 'is no run'),
    'folder with a name too long': (['gram_train', '--preset', 'tiny', '--out', LONG], 'cannot write'),
    'file as folder': (['gram_train', '--preset', 'tiny', '--out', 'foreign.safetensors'], 'is no run'),
    'unknown problem': (['gram_data', '--problem', 'chess'], 'unknown problem'),
    'puzzles that leak': (['gram_data', '--check', 'leak.csv'], 'leak'),
    'puzzles that are not there': (['gram_data', '--check', 'none.csv'], 'cannot read'),
    'puzzles that are no text': (['gram_data', '--check', 'pickle.pt'], 'no text'),
    'puzzles that are a folder': (['gram_data', '--check', 'folder'], 'cannot read'),
    'Sudokus without a line': (SUDOKU + ['--check', 'header.csv'], 'has no puzzles'),
    'data over another file': (['gram_data', '--out', 'other.txt'], 'exists and differs'),
    'data over a binary file': (['gram_data', '--out', 'pickle.pt'], 'exists and differs'),
    'data as a folder': (['gram_data', '--out', 'folder'], 'is a folder'),
    'bench into a missing folder': (['gram_bench', '--out', 'none/bench.json'], 'no folder'),
    'bench into a device': (['gram_bench', '--out', '/dev/null'], 'no ordinary file'),
    'bench with a name too long': (['gram_bench', '--out', LONG], 'cannot write'),
    'bench as a folder': (['gram_bench', '--out', 'folder'], 'is a folder'),
    'zero minutes of demo': (['gram_demo', '--minutes', '0'], '--minutes must lie'),
}

def answer(command: list) -> tuple:     # exit status, standard output, standard error
    "Run a console script in this process."
    out, err, usual = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = list(map(str, command))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err): getattr(cli, command[0])()
    except SystemExit as e: return e.code, out.getvalue(), err.getvalue()
    finally: sys.argv = usual
    return 0, out.getvalue(), err.getvalue()

# ---- the table

def refusal(call) -> str:
    "The one line that answers a call."
    try: call()
    except InputError as e: return str(e)
    return 'ACCEPTED'

def rows() -> list:     # of name, answer
    "All inputs and their answers, from an empty working directory."
    good, found = good_checkpoint(), []
    for name in CHECKPOINTS:
        folder = Path(name.replace(' ', '_') + '_file')
        folder.mkdir()
        damage(name, good, folder/'bad.safetensors')
        text = refusal(lambda path=folder/'bad.safetensors': load_model(path))
        found.append((f'checkpoint: {name}', text.replace(f'{folder}/', '')))
    found += [(name, refusal(call)) for name,(call,_) in CALLS.items()]
    make_files(Path('.'))
    for name,(command,_) in COMMANDS.items():
        status, _, text = answer(command)
        found.append((f'console: {name}', text.strip() if status else 'ACCEPTED'))
    return found

@call_parse
def main():
    "Write data/results/refused_inputs.md."
    target, before = ROOT/'data'/'results'/'refused_inputs.md', Path.cwd()
    with tempfile.TemporaryDirectory() as d:
        os.chdir(d)
        found = rows()
        os.chdir(before)
    about = f'Made by `python experiments/refused.py`: {len(found)} inputs, and the line that answers each.'
    lines = ['# Refused inputs', '', about, '', '| input | answer |', '|---|---|']
    lines += [f'| {name} | {text.replace("|", "/")[:300]} |' for name,text in found]
    write_atomic(target, '\n'.join([*lines, '']).encode())
    print(len(found), 'inputs,', sum(text == 'ACCEPTED' for _,text in found), 'accepted')
