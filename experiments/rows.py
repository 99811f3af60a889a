"""What six minutes of training give on 8×8 N-Queens, one token a row: preset `nqueens8-demo`, three
seeds.

    python experiments/rows.py      # an hour and a half of one core

GRAM makes 6500 updates, about six minutes of an idle core; the deterministic model of the same seed trains
for as many seconds. Then noise that fades over a trajectory, as annealing.py chooses it. Figures are of
ordinary rollouts of 16 steps on the test inputs, 20 samples of each. Writes data/results/rows.json. Runs in
the file are kept, and a training that was stopped goes on."""
import torch
from fastcore.script import call_parse
from gram_nb.inference import evaluate, fastest_precision
from gram_nb.settings import get_preset
from gram_nb.train import prior_statistics, train

from annealing import study
from store import ROOT, load, machine, save

RUNS = ROOT/'runs'/'rows'

def cost(t) -> dict:
    "What a run cost."
    return dict(updates=t.update, seconds=t.seconds, precision=t.cfg.precision, machine=machine())

def gram(seed: int, run: dict, keep) -> float:
    "Train GRAM and measure it; its seconds."
    t = train(get_preset('nqueens8-demo', updates=6500, seed=seed), RUNS/f'gram-{seed}')
    run |= cost(t)
    generator = torch.Generator().manual_seed(seed)
    run['mu'], run['sigma'] = prior_statistics(t.ema.eval(), t.problem.parts()['test'].inputs, generator)
    study(RUNS/f'gram-{seed}'/'best.safetensors', fastest_precision(), run, keep)
    return t.seconds

def baseline(seed: int, seconds: float, run: dict):
    "Train the deterministic model for as long, and measure it."
    cfg = get_preset('nqueens8-baseline', minutes=round(seconds/60, 2), seed=seed)
    t = train(cfg, RUNS/f'baseline-{seed}')
    test = t.problem.parts()['test']
    scores, _ = evaluate(t.ema.eval(), t.problem, test, seed=seed, precision=t.cfg.precision)
    run |= cost(t) | {k: scores[k] for k in ('accuracy', 'coverage', 'ceiling', 'inputs')}

@call_parse
def main(
    seeds: int=3,       # Training seeds of each model
):
    "Train and measure both models."
    torch.set_num_threads(1)
    about = dict(command='python experiments/rows.py', torch=torch.__version__)
    result = about | dict(runs=dict(gram={}, baseline={})) | load('rows')
    def keep(): save('rows', result)
    for seed in map(str, range(seeds)):
        run, other = (result['runs'][m].setdefault(seed, {}) for m in ('gram', 'baseline'))
        seconds = gram(int(seed), run, keep)
        if 'accuracy' not in other: baseline(int(seed), seconds, other)
        keep()
