"""What 6500 updates give on 8×8 N-Queens, one token a row, three seeds of each: preset `nqueens8-demo` (one
state), GRAM with two states and half of each batch on policy, and the same with noise that fades in training
too.

    python experiments/rows.py      # two hours of one core

A training takes five to eleven minutes of a core, by its load. Figures are of ordinary rollouts of 16
steps on the test inputs, 20 samples of each. The models that were trained with noise of scale 1 are drawn
from a second time, with the noise that annealing.py chooses on validation inputs. Those with one state have
a third: the noise that is chosen on the mean of all seeds' validation, the preset's in use. 3 → 0 was chosen
on validation inputs with seed 0, among first scales 2, 3 and 5, one run each. Writes data/results/rows.json.
Runs in the file are kept, and a training that was stopped goes on."""
import torch
from fastcore.script import call_parse
from gram_nb.checkpoints import load_run
from gram_nb.inference import fastest_precision
from gram_nb.settings import get_preset
from gram_nb.train import prior_statistics, train

from annealing import study
from noise_scale import choose, measure
from store import ROOT, load, machine, save

RUNS = ROOT/'runs'/'rows'
TWO = dict(K=2, blocks=2, on_policy=.5)
VARIANTS = {'gram': TWO, 'noise fades': TWO | dict(noise_first=3., noise_last=0.), 'one state': {}}

def folder_of(name: str, seed): return RUNS/f'{name.replace(" ", "-")}-{seed}'

def gram(name: str, seed: int, run: dict, keep):
    "Train GRAM and measure it."
    folder = folder_of(name, seed)
    settings = dict(updates=6500, seed=seed, noise_first=1., noise_last=1.) | VARIANTS[name]
    t = train(get_preset('nqueens8-demo', **settings), folder)
    run |= dict(updates=t.update, seconds=t.seconds, precision=t.cfg.precision, machine=machine(),
                noise=t.cfg.build()[0].cfg.noise)
    test, generator = t.problem.parts()['test'], torch.Generator().manual_seed(seed)
    run['mu'], run['sigma'] = prior_statistics(t.ema.eval(), test.inputs, generator)
    if name != 'noise fades': study(folder/'best.safetensors', fastest_precision(), run, keep)
    else: run['test'] = [measure(t.ema, t.problem, test, 1., t.cfg.precision)]

def mean(rows) -> dict:     # of the same schedule, one for each seed
    "Their mean accuracy and coverage, as `choose` reads them."
    accuracy = sum(r['accuracy'] for r in rows)/len(rows)
    return dict(scale=rows[0]['scale'], accuracy=accuracy,
                coverage=dict(pairs=sum(r['coverage']['pairs'] for r in rows)/len(rows)))

def in_use(name: str, runs: dict):      # seed → run
    "Measure the noise that is best on the mean of all seeds, with each seed."
    noise = tuple(choose([mean(rows) for rows in zip(*(r['validation'] for r in runs.values()))]))
    for seed,run in runs.items():
        if any(tuple(r['scale']) == noise for r in run['test']): continue
        model, problem, _ = load_run(folder_of(name, seed)/'best.safetensors')
        run['test'].append(measure(model, problem, problem.parts()['test'], noise, run['precision']))

@call_parse
def main(
    seeds: int=3,       # Training seeds of each model
):
    "Train and measure all models."
    torch.set_num_threads(1)
    about = dict(command='python experiments/rows.py', torch=torch.__version__)
    result = about | dict(runs={}) | load('rows')
    def keep(): save('rows', result)
    for seed in map(str, range(seeds)):
        for name in VARIANTS:
            run = result['runs'].setdefault(name, {}).setdefault(seed, {})
            if len(run.get('test', [])) < 1 + (name != 'noise fades'): gram(name, int(seed), run, keep)
            keep()
    in_use('one state', result['runs']['one state'])
    keep()
