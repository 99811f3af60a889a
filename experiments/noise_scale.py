"""The noise scale of sampling, chosen on validation inputs, then used once on the test inputs: `python scripts/noise_scale.py [PROBLEM]`.

The rule: of the scales whose one-sample accuracy on the validation part stays within one point of the best, the one with the highest coverage over pairs."""
import json, sys
from pathlib import Path

from gram_nb.cli import machine, score
from gram_nb.inference import evaluate, fastest_precision
from gram_nb.problems import split_inputs
from gram_nb.train import load_model, write_atomic

name = sys.argv[1] if len(sys.argv) > 1 else 'nqueens8-rows'
model, problem = load_model(name)
puzzles, precision = problem.puzzles(), fastest_precision()
valid = puzzles.subset(split_inputs(len(puzzles))['valid'])
keep = ('accuracy','coverage','ceiling','inputs')
curve = []
for scale in (0, .5, .8, .9, 1., 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.):
    r, _ = evaluate(model, problem, valid, scale=scale, precision=precision)
    curve.append(dict(scale=scale, **{k: r[k] for k in keep}))
    print(f"validation, scale {scale:3}: accuracy {r['accuracy']:.2%}  coverage over pairs {r['coverage']['pairs']:.2%} (ceiling {r['ceiling']['pairs']:.2%})", flush=True)
best = max(c['accuracy'] for c in curve)
chosen = max((c for c in curve if c['accuracy'] > best - .01), key=lambda c: c['coverage']['pairs'])['scale']
test = {}
for label,scale in (('trained', 1.), ('chosen', chosen)):
    r, _ = score(model, problem, scale=scale, precision=precision)
    test[label] = dict(scale=scale, **{k: r[k] for k in keep})
    print(f"test, scale {scale}: accuracy {r['accuracy']:.2%}  coverage over pairs {r['coverage']['pairs']:.2%} (ceiling {r['ceiling']['pairs']:.2%})", flush=True)
result = dict(command=f'python scripts/noise_scale.py {name}', machine=machine(), encoding=problem.encoding, samples=20, seed=0, precision=precision, chosen=chosen, validation=curve, test=test)
write_atomic(Path(__file__).resolve().parents[1]/'data'/'results'/'noise_scale.json', json.dumps(result, indent=1).encode())
