"""Choosing among samples: `python experiments/selection.py [--names NAMES] [--device cuda]`.

After noise_scale.py. Writes data/results/selection.json: some hours on one idle core, minutes on a GPU. It
can be stopped at any time: rows that are there are kept, unless their weights have changed. No row takes more
supervision steps than twenty rollouts of 16. The factors: test-time augmentation (graphs only), how
the twenty answers are chosen, the noise scale (1, and the one that noise_scale.py chose), and one
model or several. Threshold and share of a vote are chosen on validation inputs, for each
combination: the highest coverage (Σnf/Σn²) among the settings at least as accurate as ordinary
rollouts of the one model. All figures are of test inputs. Shares and errors (bootstrap over inputs)
are in percent."""
from itertools import product

import torch
from fastcore.script import call_parse
from gram_nb.checkpoints import load_tensors
from gram_nb.halting import Halting
from gram_nb.inference import Samples, fastest_precision, sample_with_confidence
from gram_nb.scores import bootstrap, iid_ceiling, score_answers
from gram_nb.selection import restart_until_confident, sample_adaptively, sample_ensemble, select_by_vote
from store import ensemble_of, every, load, machine, models_of, sha256, updating, NAMES, ROOT, SAMPLES, STEPS

THRESHOLD, SHARE = (.5, .8, .9, .95, .98), (.01, .03, .05, .1, .15, .2, .3, .4)
RESTART = dict(attempts=8, n_sup=8, threshold=.98)
SHORT, CONFIDENT = 8, Halting('confidence', .98)    # steps of a trajectory that may stop early, at most
PARTS = ('chosen', 'floors', 'weights')      # of the result, by problem
SELECTIONS = ('none', 'restart', 'vote', 'adaptive vote')
SIZES = {       # samples that vote, and if adaptive; seeds; every how many inputs of validation and test
    'coloring8-vertices': dict(samples=80, adaptive=60, seeds=(0, 1), valid=3, test=1),
    'coloring10-vertices': dict(samples=60, adaptive=50, seeds=(0, 1), valid=4, test=1),
    'nqueens8-rows': dict(samples=80, adaptive=60, seeds=(0, 1), valid=1, test=1),
    'nqueens8-board': dict(samples=80, adaptive=60, seeds=(0, 1), valid=1, test=1,
                           answers='data/runs/nqueens8-board/answers.safetensors'),     # ordinary ones, kept
}

def restart(model, x, samples, **how) -> tuple:     # `Samples`, draws [inputs]
    "Restarts until confident, and how many trajectories that takes."
    draws = torch.zeros(len(x), dtype=torch.long, device=x.device)
    again = torch.ones(samples, len(x), dtype=torch.bool, device=x.device)
    for drawn in restart_until_confident(model, x, samples, **RESTART, **how):
        draws += again.sum(0)
        again = drawn.confidence <= RESTART['threshold']
    return drawn, draws

def draw(models, x, selection, size, **how) -> tuple:      # `Samples`, draws [inputs]
    "Trajectories of the models together, before any vote."
    if selection == 'none':
        return sample_ensemble(models, x, SAMPLES, STEPS, **how), torch.full((len(x),), SAMPLES)
    if selection == 'restart':
        parts = torch.arange(SAMPLES).tensor_split(len(models))
        drawn, draws = zip(*(restart(m, x, len(p), **how) for m,p in zip(models, parts)))
        return Samples(*(torch.cat(v) for v in zip(*drawn))), sum(draws)
    ways = {'vote': (size['samples'], sample_with_confidence),
            'adaptive vote': (size['adaptive'], sample_adaptively)}
    n, way = ways[selection]
    drawn = sample_ensemble(models, x, n, SHORT, draw=way, halting=CONFIDENT, **how)
    return drawn, (drawn.confidence > 0).sum(0)

def percent(problem, puzzles, y) -> dict:
    s = score_answers(problem, puzzles, y)
    return dict(accuracy=100*s['accuracy'], coverage=100*s['coverage']['pairs'],
                coverage_inputs=100*s['coverage']['inputs'], **{k: s[k] for k in ('conflicts',) if k in s})

def lists(problem, puzzles, y) -> dict:
    "The list of different answers that a user sees: its length, and the share of valid ones."
    different = [a.unique(dim=0) for a in y.unbind(1)]
    ok = torch.cat([problem.valid(x.expand(len(a), -1), a) for x,a in zip(puzzles.inputs, different)])
    return dict(different=len(ok)/len(puzzles), different_valid=100*ok.double().mean().item())

def score(problem, puzzles, y, draws, steps) -> dict:
    error = bootstrap(problem, puzzles, y)
    def ceiling(n): return 100*iid_ceiling(puzzles.n_answers, n)['pairs']
    return dict(percent(problem, puzzles, y), accuracy_error=100*error['accuracy'],
                coverage_error=100*error['pairs'], ceiling=ceiling(SAMPLES),
                ceiling_all=ceiling(draws.double()), draws=draws.double().mean().item(), steps=steps,
                inputs=len(puzzles), **lists(problem, puzzles, y))

def vote_settings(problem, puzzles, drawn) -> list:
    "Every setting of the vote on these samples."
    def one(t, s): return percent(problem, puzzles, select_by_vote(*drawn[:2], SAMPLES, t, s))
    return [dict(threshold=t, share=s, **one(t, s)) for t,s in product(THRESHOLD, SHARE)]

def choose(tried, least) -> dict:
    "The highest coverage at no less than this accuracy; the most accurate setting if there is none."
    enough = [r for r in tried if r['accuracy'] >= least]
    if not enough: return max(tried, key=lambda r: r['accuracy'])
    return max(enough, key=lambda r: (r['coverage'], r['accuracy']))

def helpers(cell) -> list:
    "What stands between twenty ordinary rollouts and the answers of this row."
    used = [('test-time augmentation', cell['augment']), (cell['selection'], cell['selection'] != 'none'),
            (f"noise scale {cell['scale']:g}", cell['scale'] != 1),
            (f"ensemble of {cell['models']}", cell['models'] > 1)]
    return [name for name,there in used if there]

def cells(problem, scale, n_models, seeds) -> list:
    "Every row to measure. The adaptive vote stands once alone and once with all other helpers."
    can_augment = problem.name.startswith('coloring')
    most = dict(augment=can_augment, scale=scale, models=n_models)
    least = dict(augment=False, scale=1., models=1)
    keys = ('augment', 'selection', 'scale', 'models')
    levels = ((False, True)[:1 + can_augment], SELECTIONS[:3], sorted({1., scale}), sorted({1, n_models}))
    combinations = [dict(zip(keys, v)) for v in product(*levels)]
    for more in [least] + [most]*(most != least): combinations.append(dict(more, selection='adaptive vote'))
    return [dict(problem=problem.name, seed=s, **c) for s in seeds for c in combinations]

class Study:
    "One problem's rows."
    def __init__(self, name, result, device='cpu'):
        self.size, self.result, self.name, self.device = SIZES[name], result, name, device
        self.models, self.problem = models_of(name, 99)
        for m in self.models: m.to(device)
        parts = self.problem.parts()
        self.valid, self.test = (every(parts[k], self.size[k]) for k in ('valid', 'test'))
        self.choices = result['chosen'].setdefault(name, [])

    def how(self, cell, seed):
        generator = torch.Generator(self.device).manual_seed(seed)
        return dict(scale=cell['scale'], augment=self.problem.random_symmetry if cell['augment'] else None,
                    generator=generator, precision=self.result['precision'])

    def drawn(self, puzzles, cell, seed):
        models = self.models[:cell['models']]
        x = puzzles.inputs.to(self.device)
        drawn, draws = draw(models, x, cell['selection'], self.size, **self.how(cell, seed))
        return Samples(*(v.cpu() for v in drawn)), draws.cpu()

    def floor(self) -> float:
        "Accuracy of ordinary rollouts of the one model on validation inputs."
        floors = self.result['floors']
        if self.name not in floors:
            plain = dict(augment=False, selection='none', scale=1., models=1)
            floors[self.name] = percent(self.problem, self.valid, self.drawn(self.valid, plain, 0)[0].answers)
        return floors[self.name]['accuracy']

    def choice(self, cell) -> dict:
        "Threshold and share for a combination, the same with an adaptive vote as without."
        key = {k: cell[k] for k in ('augment', 'scale', 'models')}
        for c in self.choices:
            if all(c[k] == v for k,v in key.items()): return c
        drawn, _ = self.drawn(self.valid, dict(key, selection='vote'), 0)
        tried = vote_settings(self.problem, self.valid, drawn)
        best = choose(tried, self.floor())
        self.choices.append(dict(key, **best, valid_inputs=len(self.valid), tried=tried))
        return self.choices[-1]

    def kept(self, cell) -> bool:
        "Has a run left these answers?"
        return not helpers(cell) and cell['seed'] == 0 and 'answers' in self.size

    def row(self, cell) -> dict:
        if self.kept(cell):
            y = load_tensors(ROOT/self.size['answers'])[0]['answers'].long()[:,::self.size['test']]
            draws, steps = torch.full((len(self.test),), SAMPLES), float(SAMPLES*STEPS)
            scores = score(self.problem, self.test, y, draws, steps)
            return dict(cell, helpers=[], source=self.size['answers'], **scores)
        drawn, draws = self.drawn(self.test, cell, cell['seed'])
        cell = dict(cell, machine=machine(self.device), torch=torch.__version__)
        y, chosen = drawn.answers, {}
        if 'vote' in cell['selection']:
            chosen = {k: self.choice(cell)[k] for k in ('threshold', 'share')}
            y = select_by_vote(*drawn[:2], SAMPLES, **chosen)
        steps = drawn.steps.sum(0).double().mean().item()
        return dict(cell, helpers=helpers(cell), **chosen, **score(self.problem, self.test, y, draws, steps))

def forget_if_changed(result, name):
    "Drop what was measured with other weights."
    weights = [dict(file=str(p.relative_to(ROOT)), sha256=sha256(p)) for p in ensemble_of(name)]
    if result['weights'].get(name) == weights: return
    result['rows'] = [r for r in result['rows'] if r['problem'] != name]
    for part in PARTS: result[part].pop(name, None)
    result['weights'][name] = weights

def keep(result, name):
    "Write one problem's part. The others are taken from the file: another process may have written them."
    with updating('selection') as now:
        rows = [r for r in now.get('rows', []) if r['problem'] != name]
        rows += [r for r in result['rows'] if r['problem'] == name]
        rows.sort(key=lambda r: NAMES.index(r['problem']))
        parts = {k: now.get(k, {}) | {n: v for n,v in result[k].items() if n == name} for k in PARTS}
        now |= result | dict(parts, rows=rows)

@call_parse
def main(
    names: str='',      # Problems, separated by commas; all by default
    device: str='cpu',  # Where to draw: cpu or cuda
):
    "Measure what choosing among samples brings."
    torch.set_num_threads(1)
    empty = dict(rows=[], chosen={}, floors={}, weights={}, precision=fastest_precision())
    result = empty | load('selection')
    result |= dict(command='python experiments/selection.py', samples=SAMPLES, steps=STEPS,
                   restart=RESTART, halting=CONFIDENT.threshold, sizes=SIZES)
    scales = load('noise_scale')['problems']
    for name in names.split(',') if names else NAMES:
        forget_if_changed(result, name)
        study = Study(name, result, device)
        for cell in cells(study.problem, scales[name]['chosen'], len(study.models), study.size['seeds']):
            if any(all(r[k] == v for k,v in cell.items()) for r in result['rows']): continue
            row = study.row(cell)
            result['rows'].append(row)
            keep(result, name)
            what = ' + '.join(row['helpers']) or 'ordinary'
            print(f"{name}, seed {row['seed']}, {what}: accuracy {row['accuracy']:.2f}, "
                  f"coverage {row['coverage']:.2f}, {row['steps']:.0f} steps", flush=True)
