"""Noise that fades over a trajectory (notebook 06), against noise of one scale.

    python experiments/annealing.py                 # the shipped weights: an hour and a half of one core
    python experiments/annealing.py nqueens8-rows   # some of them

Schedules go evenly from a first noise scale to a last one; one is chosen on validation inputs, by the rule of
noise_scale.py. Then it and scale 1 on the test inputs: ordinary rollouts of 16 steps, 20 samples of each.
Writes data/results/annealing.json. What is in the file is kept."""
from functools import partial

import torch
from fastcore.script import Param, call_parse
from gram_nb.checkpoints import load_run
from gram_nb.inference import fastest_precision

from noise_scale import choose, measure
from store import every, load, machine, NAMES, updating

FIRST, LAST = (1., 1.2, 1.4, 1.6, 1.8), (0., .5, None)      # None: as the first
EVERY = {'nqueens8-board': 4}        # of so many validation inputs one

def keep(name: str, found: dict):
    with updating('annealing') as result:
        result['command'] = 'python experiments/annealing.py'
        result.setdefault('models', {})[name] = found

def study(weights: str, precision: str, found: dict, keep):     # keep(): write what is found so far
    "Every schedule on validation inputs, and two on test inputs. Each is kept."
    model, problem, cfg = load_run(weights)
    parts = problem.parts(cfg.split, cfg.split_seed)
    puzzles = dict(validation=every(parts['valid'], EVERY.get(problem.name, 1)), test=parts['test'])
    for part in puzzles: found.setdefault(part, [])
    found |= dict(machine=machine(), torch=torch.__version__, precision=precision)
    def need(part, schedules):
        for s in schedules:
            if any(tuple(r['scale']) == s for r in found[part]): continue
            found[part].append(measure(model, problem, puzzles[part], s, precision))
            keep()
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
    for name in names or NAMES:
        found = load('annealing').get('models', {}).get(name, {})
        study(name, precision, found, partial(keep, name, found))
