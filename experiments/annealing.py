"""Noise that fades over a trajectory (notebook 06), against noise of one scale.

    python experiments/annealing.py             # after splits.py: half an hour of one core, the board an hour
    python experiments/annealing.py rows-seed0  # one model

Schedules go evenly from a first noise scale to a last one. The rule, on validation inputs: of the schedules
whose accuracy stays within one point of the best, the one with the highest coverage (Σnf/Σn²). Then it and
scale 1 on the test inputs: ordinary rollouts of 16 steps, 20 samples of each. Writes
data/results/annealing.json. What is in the file is kept."""
import torch
from fastcore.script import Param, call_parse
from gram_nb.checkpoints import RUNS as TRAINED, load_run
from gram_nb.inference import evaluate, fastest_precision

from store import every, load, machine, save

FIRST, LAST = (1., 1.2, 1.4, 1.6, 1.8), (0., .5, None)      # None: as the first
MODELS = {f'rows-seed{s}': TRAINED/'splits'/f'gram-inputs-{s}'/'best.safetensors' for s in range(3)}
MODELS |= {'rows': 'nqueens8-rows', 'board': 'nqueens8-board'}
EVERY = dict(board=4)           # of so many validation inputs one

def measure(model, problem, puzzles, schedule, precision) -> dict:
    r, _ = evaluate(model, problem, puzzles, scale=schedule, precision=precision)
    kept = {k: r[k] for k in ('accuracy', 'coverage', 'ceiling', 'inputs')}
    return dict(first=schedule[0], last=schedule[1], **kept)

def choose(tried: list) -> tuple:
    "First and last scale, by the rule."
    best = max(r['accuracy'] for r in tried)
    good = max((r for r in tried if r['accuracy'] > best - .01), key=lambda r: r['coverage']['pairs'])
    return good['first'], good['last']

def keep(name: str, found: dict):
    "Add a model's part to the file, as it is now."
    result = dict(command='python experiments/annealing.py', models=load('annealing').get('models', {}))
    result['models'][name] = found
    save('annealing', result)

def study(name: str, precision: str):
    "Every schedule on validation inputs, and two on test inputs."
    model, problem, cfg = load_run(MODELS[name])
    parts = problem.parts(cfg.split, cfg.split_seed)
    puzzles = dict(validation=every(parts['valid'], EVERY.get(name, 1)), test=parts['test'])
    about = dict(machine=machine(), torch=torch.__version__, precision=precision)
    found = dict(validation=[], test=[]) | load('annealing').get('models', {}).get(name, {}) | about
    def need(part, schedules):
        for s in schedules:
            if any((r['first'], r['last']) == s for r in found[part]): continue
            r = measure(model, problem, puzzles[part], s, precision)
            found[part].append(r)
            keep(name, found)
            print(f"{name}, {part}, {s}: {r['accuracy']:.2%} / {r['coverage']['pairs']:.2%}", flush=True)
    need('validation', [(f, f if last is None else last) for f in FIRST for last in LAST])
    found['chosen'] = choose(found['validation'])
    need('test', [(1., 1.), tuple(found['chosen'])])
    keep(name, found)

@call_parse
def main(
    names: Param('Models (default: all)', str, nargs='*'),
):
    "Choose a noise schedule on validation inputs, and measure it on test inputs."
    torch.set_num_threads(1)
    precision = fastest_precision()
    for name in names or MODELS: study(name, precision)
