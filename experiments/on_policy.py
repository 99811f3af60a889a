"""Trajectories that the prior carries in training (notebook 04), against training without.

    python experiments/on_policy.py     # three seeds of each: three quarters of an hour of one core

7×7 N-Queens, one token a square, D = 64, 3000 updates of 64. Figures are of ordinary rollouts of 16 steps
on the test inputs, 20 samples of each; nothing was selected on them. Writes data/results/on_policy.json.
Runs in the file are kept, and a training that was stopped goes on."""
from dataclasses import asdict

import torch
from fastcore.script import call_parse
from gram_nb.inference import evaluate
from gram_nb.settings import TrainConfig
from gram_nb.train import prior_statistics, train

from store import ROOT, load, machine, save

BASE = TrainConfig(problem='nqueens7-board', positions='grid', dim=64, hidden=64, updates=3000, batch=64,
                   lr=1e-3, beta=.09, validations=6)
VARIANTS = {'posterior alone': {}, 'half on policy': dict(on_policy=.5)}

def run(name: str, seed: int) -> dict:
    "Train one variant and measure it."
    cfg = TrainConfig(**{**asdict(BASE), **VARIANTS[name], 'seed': seed})
    t = train(cfg, ROOT/'runs'/'on_policy'/f'{name.replace(" ", "-")}-{seed}')
    test = t.problem.parts()['test']
    scores, _ = evaluate(t.ema.eval(), t.problem, test, seed=seed, precision=t.cfg.precision)
    mu, sigma = prior_statistics(t.ema, test.inputs, torch.Generator().manual_seed(seed))
    curve = [dict(update=r[0], accuracy=r[2], coverage=r[5]) for r in t.validated]
    kept = {k: scores[k] for k in ('accuracy', 'coverage', 'ceiling', 'inputs')}
    return dict(kept, mu=mu, sigma=sigma, curve=curve, seconds=t.seconds, precision=t.cfg.precision)

@call_parse
def main(
    seeds: int=3,       # Training seeds of each variant
):
    "Measure what training on the model's own states does."
    torch.set_num_threads(1)
    empty = dict(command='python experiments/on_policy.py', config=asdict(BASE), runs={})
    result = load('on_policy') or empty
    result.update(machine=machine(), torch=torch.__version__)
    for seed in range(seeds):
        for name in VARIANTS:
            runs = result['runs'].setdefault(name, {})
            if str(seed) in runs: continue
            runs[str(seed)] = run(name, seed)
            save('on_policy', result)
            print(name, seed, f"{runs[str(seed)]['accuracy']:.1%}", flush=True)
