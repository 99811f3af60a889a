"""An election among many short trajectories, beside as many supervision steps in independent ones: `python scripts/beyond.py [NAMES]`, an hour and a half on one core.

Noise scale, `sure` and `share` are chosen on validation inputs, by two rules: the highest coverage over pairs among the settings that are at least as accurate as independent trajectories of 16 steps at noise scale 1 (`accurate`), or at least 99.7 % accurate (`strict`). Then the test inputs, with two seeds where that takes minutes; the independent answers are those that the run itself has left. Results of the names that are not given are kept."""
import json, sys
from itertools import product
from pathlib import Path

import torch
from gram_nb import coloring        # registers its problems
from gram_nb.beyond import ballots, elect
from gram_nb.cli import machine
from gram_nb.inference import fastest_precision, sample, score_answers
from gram_nb.problems import iid_ceiling
from gram_nb.train import load_model, load_tensors, write_atomic

ROOT = Path(__file__).resolve().parents[1]
OUT, SAMPLES, STEPS, WIDTHS, STRICT = ROOT/'data'/'results'/'beyond.json', 20, 16, (5,10,20), .997
SURE, SHARE = (.5,.8,.9,.95,.98), (.01,.02,.03,.05,.07,.1,.15,.2,.25,.3,.4)
RUNS = {    # folder of the run, its weights, steps of a voter, noise scales, every how many validation inputs, seeds
    'nqueens8-rows': ('nqueens8-fair', 'weights-bf16.safetensors', 4, (1.,1.2,1.4), 2, (0,1)),
    'nqueens8-board': ('nqueens8-board', None, 8, (1.,), 6, (0,)),
    'nqueens10-rows': ('nqueens10-rows/gram', 'weights.safetensors', 8, (1.,1.2), 12, (0,)),
    'coloring8-vertices': ('coloring8-vertices/gram', 'weights.safetensors', 4, (1.,1.2), 1, (0,1)),
    'coloring10-vertices': ('coloring10-vertices/gram', 'weights.safetensors', 4, (1.,1.2), 2, (0,1)),
}
precision = fastest_precision()

def score(problem, part, y):
    "Also what a user sees: the different answers, and how many of them are right."
    different = sum(len(a.unique(dim=0)) for a in y.unbind(1))
    right = problem.valid(part.inputs.repeat(len(y),1), y.flatten(0,1)).view(y.shape[:2])
    found = sum(len(a[ok].unique(dim=0)) for a,ok in zip(y.unbind(1), right.unbind(1)))
    return dict(score_answers(problem, part, y), different=different/len(part), different_right=found/different)

def votes(model, problem, part, steps, scale, seed):
    return ballots(model, part.inputs, SAMPLES*STEPS//steps, steps, scale, problem.random_symmetry, torch.Generator().manual_seed(seed), precision)

def measure(name):
    run, weights, steps, scales, every, seeds = RUNS[name]
    folder = ROOT/'data'/'runs'/run
    model, problem = load_model(folder/weights if weights else name)
    puzzles = problem.puzzles()
    split = problem.split(len(puzzles))
    valid, test = puzzles.subset(split['valid'][::every]), puzzles.subset(split['test'])
    floor = score(problem, valid, sample(model, valid.inputs, SAMPLES, STEPS, generator=torch.Generator().manual_seed(0), precision=precision))
    tried = []
    for scale in scales:
        y, p = votes(model, problem, valid, steps, scale, 0)
        for sure,share in product(SURE, SHARE):
            r = score(problem, valid, elect(y, p, SAMPLES, sure, share))
            tried.append(dict(scale=scale, sure=sure, share=share, accuracy=r['accuracy'], pairs=r['coverage']['pairs'], different_right=r['different_right']))
    chosen = {rule: max((r for r in tried if r['accuracy'] >= least), key=lambda r: r['pairs'], default=max(tried, key=lambda r: r['accuracy'])) for rule,least in (('accurate', floor['accuracy']), ('strict', STRICT))}
    print(name, len(valid), 'validation inputs, independent', f"{floor['accuracy']:.4f}", floor['coverage']['pairs'], chosen, flush=True)
    answers = load_tensors(folder/'answers.safetensors')[0]['answers'].long()
    test_runs = dict(independent=[dict(seed=0, **score(problem, test, answers), by_width=[score_answers(problem, test, answers[:w])['coverage']['pairs'] for w in WIDTHS])], **{rule: [] for rule in chosen})
    for seed,(rule,c) in product(seeds, chosen.items()):
        if rule == 'accurate' or c['scale'] != chosen['accurate']['scale']: y, p = votes(model, problem, test, steps, c['scale'], seed)
        elected = lambda w: elect(y[:w*STEPS//steps], p[:w*STEPS//steps], w, c['sure'], c['share'])
        test_runs[rule].append(dict(seed=seed, **score(problem, test, elected(SAMPLES)), by_width=[score_answers(problem, test, elected(w))['coverage']['pairs'] for w in WIDTHS]))
    for how,runs in test_runs.items():
        for r in runs: print(name, how, f"accuracy {r['accuracy']:.4f}", r['coverage'], f"different {r['different']:.2f}, right {r['different_right']:.4f}", r.get('conflicts', ''), flush=True)
    return dict(weights=weights and f'data/runs/{run}/{weights}' or f'gram_nb/weights/{name}.safetensors', steps=steps, voters=SAMPLES*STEPS//steps, valid=dict(inputs=len(valid), independent=floor, tried=tried), chosen=chosen, ceiling_by_width=[iid_ceiling(test.n_answers, w)['pairs'] for w in WIDTHS], test=test_runs)

if __name__ == '__main__':
    results = json.loads(OUT.read_text()) if OUT.exists() else dict(runs={})
    results.update(command='python scripts/beyond.py', machine=machine(), torch=torch.__version__, precision=precision, samples=SAMPLES, independent_steps=STEPS, widths=WIDTHS)
    for name in sys.argv[1:] or RUNS:
        results['runs'][name] = measure(name)
        write_atomic(OUT, json.dumps(results, indent=1).encode())
