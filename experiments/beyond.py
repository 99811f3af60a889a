"""An election among many short trajectories, beside as many supervision steps in independent ones: `python scripts/beyond.py [NAMES]`, two hours on one core.

Noise scale, `sure` and `share` are chosen on validation inputs, by two rules: the highest coverage over pairs among the settings that are at least as accurate as independent trajectories of 16 steps at noise scale 1 (`accurate`), or at least 99.7 % accurate (`strict`). Then the test inputs, with two seeds where that takes minutes; the independent answers are those that the run itself has left. Where several models vote, each casts its part of the ballots, and gives its part of the independent answers. Of ten queens only the answers are left (`ten`). Results of the names that are not given are kept."""
import json, sys
from itertools import product
from pathlib import Path

import torch
from gram_nb import coloring        # registers its problems
from gram_nb.beyond import adaptive_ballots, elect
from gram_nb.cli import machine
from gram_nb.inference import fastest_precision, sample, score_answers
from gram_nb.problems import get_problem, iid_ceiling
from gram_nb.train import load_model, load_tensors, write_atomic

ROOT = Path(__file__).resolve().parents[1]
OUT, SAMPLES, STEPS, WIDTHS, STRICT = ROOT/'data'/'results'/'beyond.json', 20, 16, (5,10,20), .997
SURE, SHARE = (.5,.8,.9,.95,.98), (.01,.02,.03,.05,.07,.1,.15,.2,.25,.3,.4)
SHIPPED, RUN = 'gram_nb/weights', 'data/runs'
FAIR = (f'{RUN}/nqueens8-fair/weights-bf16.safetensors', f'{RUN}/nqueens8-fair')
FAIR_TOO = (f'{RUN}/nqueens8-fair-seed1/weights-bf16.safetensors', f'{RUN}/nqueens8-fair-seed1')
SHIPPED_ROWS = (f'{SHIPPED}/nqueens8-rows.safetensors', f'{RUN}/nqueens8-rows/gram')
RUNS = {    # the models, each its weights and the folder of its answers; steps of a voter, noise scales, every how many validation inputs, seeds
    'nqueens8-rows': ([FAIR], 4, (1.2,1.4), 1, (0,1)),
    'nqueens8-rows-trio': ([FAIR, FAIR_TOO, SHIPPED_ROWS], 4, (1.2,1.4), 1, (0,1)),
    'nqueens8-board': ([(f'{SHIPPED}/nqueens8-board.safetensors', f'{RUN}/nqueens8-board')], 8, (1.,), 3, (0,)),
    'coloring8-vertices': ([(f'{RUN}/coloring8-vertices/gram/weights.safetensors', f'{RUN}/coloring8-vertices/gram')], 4, (1.,), 3, (0,1)),
    'coloring10-vertices': ([(f'{RUN}/coloring10-vertices/gram/weights.safetensors', f'{RUN}/coloring10-vertices/gram')], 4, (1.,), 3, (0,1)),
}
precision = fastest_precision()

def score(problem, part, y):
    "Also what a user sees: the different answers, and how many of them are right."
    different = sum(len(a.unique(dim=0)) for a in y.unbind(1))
    right = problem.valid(part.inputs.repeat(len(y),1), y.flatten(0,1)).view(y.shape[:2])
    found = sum(len(a[ok].unique(dim=0)) for a,ok in zip(y.unbind(1), right.unbind(1)))
    scores = score_answers(problem, part, y)
    return dict(scores, pairs=scores['coverage']['pairs'], different=different/len(part), different_right=found/different)

def in_turn(each):
    "Twenty answers [samples, inputs, out_len] of several models, one of each in turn."
    return torch.stack(each, 1).flatten(0, 1)[:SAMPLES]

def votes(models, problem, part, steps, scale, seed, samples=SAMPLES):
    g, voters = torch.Generator().manual_seed(seed), samples*STEPS//steps//len(models)
    each = [adaptive_ballots(m, part.inputs, voters, steps, scale=scale, symmetry=problem.random_symmetry, generator=g, precision=precision) for m in models]
    return [torch.cat(v) for v in zip(*each)]

def chosen(tried, least):
    "The setting with the highest coverage (and then accuracy) among those of at least this accuracy; the most accurate, if none is."
    return max((r for r in tried if r['accuracy'] >= least), key=lambda r: (r['pairs'], r['accuracy']), default=max(tried, key=lambda r: r['accuracy']))

def settings(problem, part, y, p, scale):
    "Every setting of the election on these votes."
    results = ((sure, share, score(problem, part, elect(y, p, SAMPLES, sure, share))) for sure,share in product(SURE, SHARE))
    return [dict(scale=scale, sure=sure, share=share, **{k: r[k] for k in ('accuracy','pairs','different_right')}) for sure,share,r in results]

def measure(name):
    weights_and_answers, steps, scales, every, seeds = RUNS[name]
    weights, folders = zip(*weights_and_answers)
    models, (problem, *_) = zip(*(load_model(ROOT/w) for w in weights))
    puzzles = problem.puzzles()
    split = problem.split(len(puzzles))
    valid, test = puzzles.subset(split['valid'][::every]), puzzles.subset(split['test'])
    g = torch.Generator().manual_seed(0)
    floor = score(problem, valid, in_turn([sample(m, valid.inputs, -(-SAMPLES//len(models)), STEPS, generator=g, precision=precision) for m in models]))
    tried = [r for scale in scales for r in settings(problem, valid, *votes(models, problem, valid, steps, scale, 0), scale)]
    choices = dict(accurate=chosen(tried, floor['accuracy']), strict=chosen(tried, STRICT))
    print(name, len(valid), 'validation inputs, independent', f"{floor['accuracy']:.4f}", floor['pairs'], choices, flush=True)
    answers = in_turn([load_tensors(ROOT/folder/'answers.safetensors')[0]['answers'].long() for folder in folders])
    by_width = dict(independent=[score_answers(problem, test, answers[:w])['coverage']['pairs'] for w in WIDTHS], ceiling=[iid_ceiling(test.n_answers, w)['pairs'] for w in WIDTHS])
    runs = dict(independent=[dict(score(problem, test, answers), seed=0)], **{rule: [] for rule in choices})
    for seed in seeds:
        ballot_box = {scale: votes(models, problem, test, steps, scale, seed) for scale in {c['scale'] for c in choices.values()}}
        for rule,c in choices.items(): runs[rule].append(dict(score(problem, test, elect(*ballot_box[c['scale']], SAMPLES, c['sure'], c['share'])), seed=seed))
    c = choices['accurate']
    fewer = [elect(*votes(models, problem, test, steps, c['scale'], seeds[0], w), w, c['sure'], c['share']) for w in WIDTHS[:-1]]
    by_width['accurate'] = [score_answers(problem, test, y)['coverage']['pairs'] for y in fewer] + [runs['accurate'][0]['pairs']]
    means = {how: {k: sum(r[k] for r in rs)/len(rs) for k in ('accuracy','pairs','different','different_right','conflicts') if k in rs[0]} for how,rs in runs.items()}
    for how,m in means.items(): print(name, how, m, flush=True)
    return dict(weights=', '.join(weights), steps=steps, voters=SAMPLES*STEPS//steps//len(models)*len(models), valid=dict(inputs=len(valid), independent=floor, tried=tried), chosen=choices,
                by_width=by_width, test=runs, mean=means)

def vote_again(run='nqueens10-rows', name='nqueens10-rows', least=.944):
    "Ten queens: the twenty answers that a run of sixteen steps has left vote, without its weights. Every fifth test input chooses the share, the others count."
    answers = load_tensors(ROOT/'data'/'runs'/run/'gram'/'answers.safetensors')[0]['answers'].long()
    problem = get_problem(name)
    puzzles = problem.puzzles()
    test = problem.split(len(puzzles))['test']
    choose = torch.arange(len(test)) % 5 == 0
    vote = lambda mask, share: score(problem, puzzles.subset(test[mask]), elect(answers[:,mask], torch.ones(answers[:,mask].shape[:2]), SAMPLES, share=share))
    tried = [dict(share=share, **{k: r[k] for k in ('accuracy','pairs')}) for share in SHARE for r in [vote(choose, share)]]
    best = chosen(tried, least)
    rest = puzzles.subset(test[~choose])
    result = dict(least=least, tried=tried, chosen=best, independent=score(problem, rest, answers[:,~choose]), elected=vote(~choose, best['share']))
    print(name, 'voting', best, *(f"{how} accuracy {result[how]['accuracy']:.4f} {result[how]['coverage']}" for how in ('independent','elected')), flush=True)
    return result

if __name__ == '__main__':
    for name in sys.argv[1:] or (*RUNS, 'ten'):
        measurement = vote_again() if name == 'ten' else measure(name)
        results = json.loads(OUT.read_text()) if OUT.exists() else dict(runs={})       # read now: another process may have written meanwhile
        results.update(command='python scripts/beyond.py', machine=machine(), torch=torch.__version__, precision=precision, samples=SAMPLES, independent_steps=STEPS, widths=WIDTHS)
        if name == 'ten': results['ten'] = measurement
        else:
            results['runs'][name] = measurement
            results['runs'] = {k: results['runs'][k] for k in RUNS if k in results['runs']}       # in the order above
        write_atomic(OUT, json.dumps(results, indent=1).encode())
