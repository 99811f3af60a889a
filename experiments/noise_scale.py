"""The noise scale of sampling: `python experiments/noise_scale.py [--names NAMES]`.

Writes data/results/noise_scale.json: some minutes for each problem on one idle core, a quarter of
an hour for the board. Twenty ordinary rollouts of 16 steps for each input. The rule: of the scales
whose accuracy stays within one point of the best, the one with the highest coverage (Σnf/Σn²). What
the choice does to the test inputs is in data/results/selection.json, or in `test` here if `--test`
was given."""
import torch
from fastcore.script import call_parse
from gram_nb.inference import evaluate, fastest_precision
from store import every, machine, models_of, updating, NAMES, SAMPLES, STEPS

SCALES = (0, .5, .8, .9, 1., 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.)
FEW, FEWER = (.8, .9, 1., 1.1, 1.2, 1.3, 1.4), (.8, .9, 1., 1.1)
SIZES = {       # every how many validation inputs, and the scales
    'nqueens8-rows': (1, SCALES), 'nqueens8-board': (6, FEWER),
    'coloring8-vertices': (3, FEW), 'coloring10-vertices': (4, FEWER),
}

def measure(model, problem, puzzles, scale, precision) -> dict:     # one scale, or a first and a last
    r, _ = evaluate(model, problem, puzzles, SAMPLES, n_sup=STEPS, scale=scale, precision=precision)
    print(f"{problem.name}, {len(puzzles)} inputs, noise scale {scale}: accuracy {r['accuracy']:.2%}, "
          f"coverage {r['coverage']['pairs']:.2%} (ceiling {r['ceiling']['pairs']:.2%})", flush=True)
    return dict(scale=scale, **{k: r[k] for k in ('accuracy', 'coverage', 'ceiling', 'inputs')})

def choose(curve):
    "The scale, by the rule."
    best = max(r['accuracy'] for r in curve)
    accurate = [r for r in curve if r['accuracy'] > best - .01]
    return max(accurate, key=lambda r: r['coverage']['pairs'])['scale']

@call_parse
def main(
    names: str='',      # Problems, separated by commas; all by default
    test: bool=False,   # Measure scale 1 and the chosen one on the test inputs as well
    device: str='cpu',  # Where to draw: cpu or cuda
):
    "Choose the noise scale of sampling on validation inputs."
    precision = fastest_precision(device)
    for name in names.split(',') if names else NAMES:
        (model,), problem = models_of(name)
        model.to(device)
        parts = problem.parts()
        k, scales = SIZES[name]
        valid = every(parts['valid'], k)
        curve = [measure(model, problem, valid, s, precision) for s in scales]
        found = dict(machine=machine(device), torch=torch.__version__, precision=precision, seed=0,
                     samples=SAMPLES, chosen=choose(curve), validation=curve)
        if test:
            scales = (1., found['chosen'])
            found['test'] = [measure(model, problem, parts['test'], s, precision) for s in scales]
        with updating('noise_scale') as result:
            result['command'] = 'python experiments/noise_scale.py'
            result.setdefault('problems', {})[name] = found
