"What the experiments share: kept weights, and result files in data/results."
import contextlib, hashlib, json, platform, sys
from pathlib import Path

import torch
from filelock import FileLock
from gram_nb.checkpoints import load_model, to_json, weights_path, write_atomic
from gram_nb.problems import Puzzles

ROOT = Path(__file__).resolve().parents[1]
RESULTS, RUNS = ROOT/'data'/'results', ROOT/'data'/'runs'
SAMPLES, STEPS = 20, 16     # of an ordinary evaluation

# what a terminal cannot show must not end the work
with contextlib.suppress(AttributeError): sys.stdout.reconfigure(errors='replace')

NAMES = ('nqueens8-rows', 'nqueens8-board', 'coloring8-vertices', 'coloring10-vertices')     # shipped weights
MORE = {'nqueens8-rows': 'nqueens8-fair*/weights.safetensors'}     # for an ensemble, below data/runs

def machine(device: str='cpu') -> str:
    found = f'{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads'
    return found if device == 'cpu' else f'{found}, {torch.cuda.get_device_name()}'

def load(name: str) -> dict:
    path = RESULTS/f'{name}.json'
    return json.loads(path.read_text()) if path.is_file() else {}

def save(name: str, result: dict):
    write_atomic(RESULTS/f'{name}.json', (to_json(result, indent=1) + '\n').encode())

@contextlib.contextmanager
def updating(name: str):
    "Yields a result as its file has it now, and saves what became of it. Other processes wait."
    (ROOT/'runs').mkdir(exist_ok=True)
    with FileLock(ROOT/'runs'/f'{name}.lock'):
        result = load(name)
        yield result
        save(name, result)

def every(puzzles: Puzzles, k: int) -> Puzzles:
    return puzzles.subset(torch.arange(0, len(puzzles), k))

def ensemble_of(name: str) -> list:
    "Paths of a problem's kept weights, the first alone being the model of all other figures."
    return [weights_path(name), *sorted(RUNS.glob(MORE[name]) if name in MORE else [])]

def models_of(name: str, count: int=1) -> tuple:    # models, problem
    models, problems = zip(*(load_model(path) for path in ensemble_of(name)[:count]))
    return list(models), problems[0]

def sha256(path) -> str: return hashlib.sha256(Path(path).read_bytes()).hexdigest()
