"""Noise that fades over a trajectory (notebook 06), against noise of one scale.

    python experiments/annealing.py                 # the shipped weights: an hour and a half of one core
    python experiments/annealing.py nqueens8-rows   # some of them

Schedules go evenly from a first noise scale to a last one. The rule, on validation inputs: of the schedules
whose accuracy stays within one point of the best, the one with the highest coverage (Σnf/Σn²). Then it and
scale 1 on the test inputs: ordinary rollouts of 16 steps, 20 samples of each. Writes
data/results/annealing.json. What is in the file is kept."""
import torch
from fastcore.script import Param, call_parse
from gram_nb.checkpoints import load_run
from gram_nb.inference import evaluate, fastest_precision

from store import every, load, machine, NAMES, save

FIRST, LAST = (1., 1.2, 1.4, 1.6, 1.8), (0., .5, None)      # None: as the first
EVERY = {'nqueens8-board': 4}        # of so many validation inputs one

def measure(model, problem, puzzles, schedule, precision) -> dict:
    r, _ = evaluate(model, problem, puzzles, scale=schedule, precision=precision)
    kept = {k: r[k] for k in ('accuracy', 'coverage', 'ceiling', 'inputs')}
    return dict(first=schedule[0], last=schedule[1], **kept)

def choose(tried: list) -> tuple:
    "First and last scale, by the rule."
    best = max(r['accuracy'] for r in tried)
    good = max((r for r in tried if r['accuracy'] > best - .01), key=lambda r: r['coverage']['pairs'])
    return good['first'], good['last']

def study(weights, precision: str, found: dict, keep):
    "Every schedule on validation inputs, and two on test inputs. `keep` is called after each."
    model, problem, cfg = load_run(weights)
    parts = problem.parts(cfg.split, cfg.split_seed)
    puzzles = dict(validation=every(parts['valid'], EVERY.get(problem.name, 1)), test=parts['test'])
    for part in puzzles: found.setdefault(part, [])
    found |= dict(machine=machine(), torch=torch.__version__, precision=precision)
    def need(part, schedules):
        for s in schedules:
            if any((r['first'], r['last']) == s for r in found[part]): continue
            r = measure(model, problem, puzzles[part], s, precision)
            found[part].append(r)
            keep()
            figures = f"{r['accuracy']:.2%} / {r['coverage']['pairs']:.2%}"
            print(f'{problem.name}, {part}, {s}: {figures}', flush=True)
    need('validation', [(f, f if last is None else last) for f in FIRST for last in LAST])
    found['chosen'] = choose(found['validation'])
    need('test', [(1., 1.), tuple(found['chosen'])])
    keep()

@call_parse
def main(
    names: Param('Shipped weights (default: all)', str, nargs='*'),
):
    "Choose a noise schedule on validation inputs, and measure it on test inputs."
    torch.set_num_threads(1)
    precision = fastest_precision()
    result = dict(command='python experiments/annealing.py', models={}) | load('annealing')
    for name in names or NAMES:
        found = result['models'].setdefault(name, {})
        study(name, precision, found, lambda: save('annealing', result))
