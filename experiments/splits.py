"""Does the model reason, or remember? GRAM and the deterministic baseline on the paper's split and on a split
by orbits, where no test solution, turned or mirrored, was ever a target (notebook 00b).

    python experiments/splits.py        # three seeds of each: an hour of one core

8×8 N-Queens, row encoding, settings of `nqueens8-demo` but two states and noise of scale 1 in use. GRAM
makes 5000 updates; the baseline of the same split and seed trains for as many seconds. A seed is that of the
training and of the split. Figures are of ordinary rollouts on the test inputs, 20 samples of 16 steps, with
the weights of the best validation. Writes data/results/splits.json. Runs in the file are kept, and a training
that was stopped goes on.
`--split orbits` does one split, so that two processes can share the work."""
from dataclasses import asdict, replace

import torch
from fastcore.script import call_parse
from gram_nb.inference import evaluate
from gram_nb.problems import Puzzles
from gram_nb.settings import SPLITS, TrainConfig, get_preset
from gram_nb.train import prior_statistics, train

from store import ROOT, load, machine, updating

BASE = get_preset('nqueens8-demo', updates=5000, K=2, blocks=2, noise_first=1., noise_last=1.)

def kinds(problem, train: Puzzles, test: Puzzles, y) -> dict:      # y [samples, inputs, out_len]
    "Shares of draws: the valid ones, training targets that do not fit the givens, and the rest."
    y = y.flatten(0, 1)
    ok = problem.valid(test.inputs.repeat(len(y)//len(test), 1), y)
    known = (y[:,None] == train.targets.unique(dim=0)).all(-1).any(-1)
    shares = dict(valid=ok, recalled=known & ~ok, other=~known & ~ok)
    return {k: v.double().mean().item() for k,v in shares.items()}

def measured(cfg: TrainConfig, folder) -> dict:
    "Train and measure."
    t = train(cfg, folder)
    parts = t.problem.parts(cfg.split, cfg.split_seed)
    test = parts['test']
    scores, y = evaluate(t.ema.eval(), t.problem, test, seed=cfg.seed, precision=t.cfg.precision)
    kept = {k: scores[k] for k in ('accuracy', 'coverage', 'ceiling', 'inputs')}
    kept['kinds'] = kinds(t.problem, parts['train'], test, y)
    if cfg.model == 'gram':
        generator = torch.Generator().manual_seed(cfg.seed)
        kept['mu'], kept['sigma'] = prior_statistics(t.ema, test.inputs, generator)
    curve = [dict(update=r[0], accuracy=r[2], coverage=r[5]) for r in t.validated]
    return dict(kept, curve=curve, updates=t.update, seconds=t.seconds, precision=t.cfg.precision)

def configs(split: str, seed: int):     # names and settings; the baseline waits for GRAM's seconds
    gram = replace(BASE, split=split, split_seed=seed, seed=seed)
    yield 'gram', gram
    minutes = load('splits')['runs']['gram'][split][str(seed)]['seconds']/60
    yield 'baseline', get_preset('nqueens8-baseline', minutes=round(minutes, 2), split=split,
                                 split_seed=seed, seed=seed)

def keep(name: str, split: str, seed: int, run: dict):
    "Add a run to the file, as it is now."
    with updating('splits') as result:
        result['runs'].setdefault(name, {}).setdefault(split, {})[str(seed)] = run

def has(name: str, split: str, seed: int) -> bool:
    return str(seed) in load('splits')['runs'].get(name, {}).get(split, {})

@call_parse
def main(
    seeds: int=3,       # Training seeds of each
    split: str=None,    # One split alone
):
    "Train both models on both splits."
    torch.set_num_threads(1)
    with updating('splits') as result:
        if not result: result |= dict(command='python experiments/splits.py', config=asdict(BASE),
                                      machine=machine(), torch=torch.__version__, runs={})
    for seed in range(seeds):
        for s in [split] if split else SPLITS:
            for name,cfg in configs(s, seed):
                if has(name, s, seed): continue
                run = measured(cfg, ROOT/'runs'/'splits'/f'{name}-{s}-{seed}')
                keep(name, s, seed, run)
                print(name, s, seed, f"{run['accuracy']:.1%}", f"{run['coverage']['pairs']:.1%}", flush=True)
