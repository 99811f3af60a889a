"""Coverage of trajectories that know of one another, beside independent ones: `python scripts/beyond.py`, about a quarter of an hour on one core.

The settings of each variant are chosen on the validation inputs (highest coverage over pairs among those at least as accurate as independent trajectories at the noise scale of data/results/noise_scale.json), then measured on the test inputs with two seeds. Every variant takes 20 trajectories of 16 supervision steps."""
import json, time
from pathlib import Path

import torch
from gram_nb.beyond import sample_together
from gram_nb.cli import machine
from gram_nb.inference import fastest_precision, score_answers
from gram_nb.problems import iid_ceiling, split_inputs
from gram_nb.train import load_model, write_atomic

OUT = Path(__file__).resolve().parents[1]/'data'/'results'/'beyond.json'
VARIANTS = dict(independent=dict(restart=False), opposite=dict(restart=False, opposite=True), together={})
SCALES, SURE, SEEDS, WIDTHS = (1.2, 1.4), (0., .9), (1,2), (5,10,20)
precision = fastest_precision()
model, problem = load_model('nqueens8-rows')
puzzles = problem.puzzles()
split = split_inputs(len(puzzles))
parts = {k: puzzles.subset(split[k]) for k in ('valid','test')}

def measure(part, name, scale, sure, seed, samples=20):
    p, start = parts[part], time.perf_counter()
    y, restarts = sample_together(model, p.inputs, samples, None, scale, sure, generator=torch.Generator().manual_seed(seed), precision=precision, **VARIANTS[name])
    return dict(scale=scale, sure=sure, seed=seed, **score_answers(problem, p, y), restarts=restarts, seconds=time.perf_counter() - start)

if __name__ == '__main__':
    result = dict(command='python scripts/beyond.py', machine=machine(), torch=torch.__version__, precision=precision, weights='nqueens8-rows', samples=20, widths=WIDTHS, ceiling_by_width=[iid_ceiling(parts['test'].n_answers, w)['pairs'] for w in WIDTHS], valid={}, test={})
    for name in VARIANTS:
        result['valid'][name] = [measure('valid', name, scale, sure, 0) for sure in (SURE if name == 'together' else (0.,)) for scale in SCALES]
        for r in result['valid'][name]: print(name, r['scale'], r['sure'], f"{100*r['accuracy']:.2f} / {100*r['coverage']['pairs']:.2f}", flush=True)
    chosen = json.loads((OUT.parent/'noise_scale.json').read_text())['chosen']
    floor = next(r['accuracy'] for r in result['valid']['independent'] if r['scale'] == chosen)
    for name in VARIANTS:
        best = max((r for r in result['valid'][name] if r['accuracy'] >= floor), key=lambda r: r['coverage']['pairs'], default=result['valid'][name][0])
        runs = [measure('test', name, best['scale'], best['sure'], seed) for seed in SEEDS]
        mean = lambda f: sum(map(f, runs))/len(runs)
        by_width = [measure('test', name, best['scale'], best['sure'], SEEDS[0], w)['coverage']['pairs'] for w in WIDTHS[:-1]] + [runs[0]['coverage']['pairs']]
        result['test'][name] = dict(scale=best['scale'], sure=best['sure'], runs=runs, accuracy=mean(lambda r: r['accuracy']), coverage={k: mean(lambda r: r['coverage'][k]) for k in runs[0]['coverage']}, ceiling=runs[0]['ceiling'], restarts=mean(lambda r: r['restarts']), seconds=mean(lambda r: r['seconds']), by_width=by_width)
        print('test', name, best['scale'], best['sure'], f"{result['test'][name]['accuracy']:.4f}", result['test'][name]['coverage'], flush=True)
        write_atomic(OUT, json.dumps(result, indent=1).encode())
