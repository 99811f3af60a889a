"""Other kinds of model beside GRAM, at equal processor time of one thread and about equal numbers of weights.

    python experiments/families.py --minutes 3      # two processes may share the work: start it twice

A minute is worth more on a faster processor: another machine made half of the updates in the same time. So
minutes count for a model's first training, on rows by inputs. All its others on rows and graphs get the
updates that these minutes made there. The board has its own minutes: train it on one machine. `speed` of a
run, in GFLOP a second, is the lower one of two measurements, before and after its training.

Every model of notebook 66, on every task and both splits, with three training seeds. The learning rate of
each model is chosen on validation, on the split by inputs with seed 0: three tries of two fifths of the
minutes, best validation accuracy. The board takes the rates of the rows. PTRM is not trained: it is the
trained TRM with noise. Its noise and the γ of Looped Flows are chosen on validation, by accuracy +
coverage@20. Figures are of test inputs, 20 draws of each, with the weights of the best validation. Writes
data/results/families.json, seed 0 and cheap tasks first. Runs in the file are kept, and a training that was
stopped goes on."""
import shutil, time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from fastcore.script import call_parse
from filelock import FileLock, Timeout
from gram_nb.baselines import FAMILIES as MODELS, flops_per_answer, seconds_per_answer, with_noise
from gram_nb.bench import peak_flops
from gram_nb.checkpoints import load_model
from gram_nb.halting import fit_heads, rollout_until_halt
from gram_nb.inference import fastest_precision, precision_context, sample_with_confidence
from gram_nb.problems import Puzzles
from gram_nb.scores import score_answers
from gram_nb.settings import TrainConfig
from gram_nb.train import train
from gram_nb.uniformity import answer_counts, uniformity

from store import ROOT, SAMPLES, every, load, machine, updating

TASKS = {   # settings, factor on the minutes, and n: every n-th test input is measured
    'nqueens8-rows': (dict(beta=.56), 1, 2),
    'coloring8-vertices': (dict(beta=.5), 1, 1),
    'nqueens8-board': (dict(beta=.07, positions='grid', batch=64), 4, 8),
}
ROWS, BOARD = 'nqueens8-rows', 'nqueens8-board'
# updates beside those on rows in the same minutes: the mean of the seven that had both (0.83 to 0.93)
PACE = {ROWS: 1, 'coloring8-vertices': .87}
RATES = 5e-4, 1e-3, 2e-3                    # the tries
GAMMAS, SIGMAS = (0., .1, .3, 1.), (.1, .3, 1., 3.)
DEPTHS = 1, 2, 4, 8                         # supervision steps, beside 16
SPLITS = 'inputs', 'orbits'
WITHOUT_DEPTH = 'direct', 'ar'              # models to which steps mean nothing

def config(task: str, model: str, minutes: float, **how) -> TrainConfig:
    settings, factor, _ = TASKS[task]
    how = settings | MODELS[model] | how
    if 'updates' not in how: how['minutes'] = round(minutes*factor, 3)
    return TrainConfig(problem=task, validations=3, **how)

def length(job, result: dict) -> dict:
    "The updates that a training makes, where an earlier one tells how many its minutes are worth."
    of_rows = result['runs'].get('inputs', {}).get(ROWS, {}).get(job.model, {}).get('0')
    if not of_rows or job.task not in PACE: return {}
    return dict(updates=round((.4 if job.lr else 1)*PACE[job.task]*of_rows['updates']))

# ---- what is measured

def scores_of(model, problem, puzzles: Puzzles, precision: str, samples=SAMPLES, seed=0, **how) -> tuple:
    "Scores and drawn answers, with the accuracy of the most confident of the draws."
    how |= dict(precision=precision, generator=torch.Generator().manual_seed(seed))
    drawn = sample_with_confidence(model, puzzles.inputs, samples, **how)
    scores = score_answers(problem, puzzles, drawn.answers)
    best = drawn.answers[drawn.confidence.argmax(0), torch.arange(len(puzzles))]
    picked = problem.valid(puzzles.inputs, best).double().mean().item()
    kept = {k: scores[k] for k in ('accuracy', 'coverage', 'ceiling', 'inputs', 'conflicts') if k in scores}
    return dict(kept, picked=picked), drawn.answers

def kl_to_uniform(model, puzzles: Puzzles, precision: str, draws=200, **how) -> dict:
    "KL of valid draws to uniform: mean of some puzzles of 4 to 20 answers with 5 valid draws an answer."
    several = ((puzzles.n_answers >= 4) & (puzzles.n_answers <= 20)).nonzero()[:,0]
    if not len(several): return dict(kl=None, kl_puzzles=0)
    some = puzzles.subset(several[::-(-len(several)//12)])
    how |= dict(precision=precision, generator=torch.Generator().manual_seed(0))
    y = sample_with_confidence(model, some.inputs, draws, **how).answers
    counts = [answer_counts(y[:,i], some.targets[some.owner == i]) for i in range(len(some))]
    kls = [uniformity(c)['kl'] for c in counts if c[:-1].sum() >= 5*(len(c) - 1)]
    return dict(kl=sum(kls)/len(kls) if kls else None, kl_puzzles=len(kls))

@torch.no_grad()
def picked_by_halt_head(model, problem, parts: dict, puzzles: Puzzles, precision: str, scale: float) -> float:
    "Accuracy of the draw that the halt head trusts most. The head is fitted to runs on 500 training puzzles."
    train = parts['train']
    some = train.subset(torch.arange(0, len(train), -(-len(train)//500)))
    with torch.enable_grad(): heads = fit_heads(model, problem, some, scales=(scale,))
    x, generator = puzzles.inputs.repeat(SAMPLES, 1), torch.Generator().manual_seed(0)
    with precision_context('cpu', precision):
        h = torch.cat([rollout_until_halt(model, v, None, scale, generator)[0] for v in x.split(512)])
    y = model.decode(h.float()).argmax(-1).view(SAMPLES, len(puzzles), -1)
    trust = heads.q(h)[:,0].view(SAMPLES, -1)
    best = y[trust.argmax(0), torch.arange(len(puzzles))]
    return problem.valid(puzzles.inputs, best).double().mean().item()

def by_givens(problem, puzzles: Puzzles, y) -> dict:       # y [samples, inputs, out_len]
    "Accuracy on boards whose givens lie in the upper half, and in the lower half."
    boards = problem.decode(puzzles.inputs)                 # [inputs, n] columns, negative for none
    given, row = (boards >= 0).double(), torch.arange(boards.shape[1]).double()
    mean = (given*row).sum(1)/given.sum(1) - row.mean()
    ok = problem.valid(puzzles.inputs.repeat(len(y), 1), y.flatten(0,1)).view(len(y), -1).double().mean(0)
    halves = dict(upper=ok[mean < 0], lower=ok[mean > 0])
    return {k: v.mean().item() for k,v in halves.items() if len(v)}

def measured(model, problem, puzzles: Puzzles, precision: str, seed: int, depths=(), **how) -> dict:
    "All figures of a trained model on some puzzles."
    x = puzzles.inputs[:16]
    run, y = scores_of(model, problem, puzzles, precision, seed=seed, **how)
    run |= kl_to_uniform(model, puzzles, precision, **how)
    run['flops'] = flops_per_answer(model, x, **how)
    run['seconds_per_answer'] = seconds_per_answer(model, x[:1], **how)
    run['parameters'] = sum(p.numel() for p in model.parameters())
    if problem.name.startswith('nqueens'): run['by_givens'] = by_givens(problem, puzzles, y)
    few = every(puzzles, 4)
    run['depths'] = {n: scores_of(model, problem, few, precision, n_sup=n, **how)[0]
                        | dict(flops=flops_per_answer(model, x, n_sup=n, **how)) for n in depths}
    return run

def choose(candidates, score) -> tuple:     # the best, and the score of each
    scores = {c: score(c) for c in candidates}
    return max(scores, key=scores.get), scores

def choose_noise(name: str, model, problem, puzzles: Puzzles, precision: str) -> tuple:     # settings, record
    "PTRM's noise and the γ of Looped Flows, by accuracy + coverage@20."
    def score(**how):
        scores, _ = scores_of(model, problem, puzzles, precision, **how)
        return scores['accuracy'] + scores['coverage']['pairs']
    def at(gamma):
        model.gamma = gamma
        return score()
    if name == 'ptrm':
        sigma, tried = choose(SIGMAS, lambda s: score(scale=s))
        return dict(scale=sigma), dict(scale=sigma, tried=tried)
    if name == 'flow':
        model.gamma, tried = choose(GAMMAS, at)
        return {}, dict(gamma=model.gamma, tried=tried)
    return {}, {}

# ---- one job

@dataclass(frozen=True)
class Job:
    "A try of a learning rate, or a training that is measured."
    task: str
    model: str
    split: str = 'inputs'
    seed: int = 0
    lr: float = None        # of a try

    @property
    def name(self):
        what = f'try-{self.lr}' if self.lr else f'{self.split}-{self.seed}'
        return f'{self.task}-{self.model}-{what}'.replace(' ', '-')

    def needs(self) -> list:
        "Jobs that must be done before."
        if self.lr: return []
        if self.model == 'ptrm': return [replace(self, model='trm')]
        return [Job(rates_from(self.task), self.model, lr=lr) for lr in RATES]

    def place(self, result: dict) -> tuple:     # the dictionary that holds its figures, and its key there
        if self.lr: return result['tries'].setdefault(self.task, {}).setdefault(self.model, {}), str(self.lr)
        models = result['runs'].setdefault(self.split, {}).setdefault(self.task, {})
        return models.setdefault(self.model, {}), str(self.seed)

    def done(self, result: dict) -> bool:
        where, key = self.place(result)
        return key in where

def try_rate(job: Job, result: dict, folder: Path) -> dict:
    "A short training with one learning rate."
    how = dict(lr=job.lr, precision=result['precision'], **length(job, result))
    cfg = config(job.task, job.model, .4*result['minutes'], **how)
    best = train(cfg, folder, quiet=True, clock=time.process_time).best
    shutil.rmtree(folder)
    return dict(validation_accuracy=best)

def rates_from(task: str) -> str:
    return ROWS if task == BOARD else task

def rate_of(result: dict, task: str, model: str) -> float:
    "The learning rate that a model's tries have chosen."
    tries = result['tries'][rates_from(task)][model]
    return max(RATES, key=lambda lr: tries[str(lr)]['validation_accuracy'])

def trained(job: Job, result: dict, folder: Path) -> tuple:     # model, problem, what it cost
    if job.model == 'ptrm':
        model, problem = load_model(folder.parent/replace(job, model='trm').name/'best.safetensors')
        return with_noise(model), problem, dict(updates=0, seconds=0.)
    how = dict(split=job.split, split_seed=job.seed, seed=job.seed, precision=result['precision'])
    how |= length(job, result)
    cfg = config(job.task, job.model, result['minutes'], lr=rate_of(result, job.task, job.model), **how)
    def speed(): return peak_flops('cpu', result['precision'])/1e9
    before = speed()
    t = train(cfg, folder, quiet=True, clock=time.process_time)
    cost = dict(updates=t.update, seconds=t.seconds, lr=cfg.lr, speed=min(before, speed()))
    curve = [dict(update=r[0], accuracy=r[2], coverage=r[5]) for r in t.validated]
    return t.ema.eval(), t.problem, dict(cost, curve=curve)

def train_and_measure(job: Job, result: dict, folder: Path) -> dict:
    "A training, and all figures of its best weights."
    model, problem, cost = trained(job, result, folder)
    parts, precision = problem.parts(job.split, job.seed), result['precision']
    some = every(parts['valid'], -(-len(parts['valid'])//24))
    how, noise = choose_noise(job.model, model, problem, some, precision)
    depths = DEPTHS if job.seed == 0 and job.model not in WITHOUT_DEPTH else ()
    test = every(parts['test'], TASKS[job.task][2])
    run = measured(model, problem, test, precision, job.seed, depths, **how)
    if job.model == 'ptrm':
        run['picked_by_halt_head'] = picked_by_halt_head(model, problem, parts, test, precision, **how)
    (folder/'checkpoint.safetensors').unlink(missing_ok=True)       # large, and of no more use
    return cost | noise | run

# ---- all jobs

def jobs(tasks: list, splits: list, seeds: int):
    "Seed 0 of everything first, and there one task after the other."
    for seed in range(seeds):
        for task in tasks:
            if seed == 0 and rates_from(task) == task:
                yield from (Job(task, m, lr=lr) for m in MODELS if MODELS[m] for lr in RATES)
            yield from (Job(task, m, s, seed) for s in splits for m in MODELS)

def work(job: Job, name: str, folder: Path) -> bool:    # False if it has to wait
    "Do a job, unless another process does it or it has to wait for others."
    result = load(name)
    if job.done(result): return True
    if not all(n.done(result) for n in job.needs()): return False
    try:
        with FileLock(folder/f'{job.name}.lock', timeout=0):
            if job.done(load(name)): return True
            (folder/job.name).mkdir(exist_ok=True)
            torch.compiler.reset()      # one function is compiled again only so many times
            start = time.time()
            figures = (try_rate if job.lr else train_and_measure)(job, result, folder/job.name)
            with updating(name) as now:
                where, key = job.place(now)
                where[key] = figures | dict(all_seconds=time.time() - start)
    except Timeout: return False
    score = figures.get('accuracy', figures.get('validation_accuracy'))
    print(f'{job.name}: {score:.1%}, {time.time() - start:.0f} s', flush=True)
    return True

def begin(name: str, minutes: float):
    "The file, with what is fixed for all jobs."
    with updating(name) as result:
        if result and result['minutes'] != minutes:
            raise SystemExit(f"it has runs of {result['minutes']} minutes: give those, or another --results")
        tasks = {t: dict(settings=s, minutes=minutes*f, every=e) for t,(s,f,e) in TASKS.items()}
        if result: return result.update(tasks=tasks)
        about = dict(command=f'python experiments/families.py --minutes {minutes:g}', machine=machine(),
                     torch=torch.__version__, precision=fastest_precision(), minutes=minutes, rates=RATES)
        result |= about | dict(models=MODELS, tasks=tasks, tries={}, runs={})

def chosen(words: str, known) -> list:
    "What an option lists, or all."
    names = words.split(',') if words else list(known)
    if unknown := set(names) - set(known):
        raise SystemExit(f'{sorted(unknown)[0]!r} is unknown: choose of {",".join(known)}')
    return names

@call_parse
def main(
    minutes: float=3,           # Minutes of processor time of each training; four times as many on the board
    seeds: int=3,               # Training seeds of each
    tasks: str=None,            # Tasks, with commas between them; by default all
    splits: str=None,           # Splits, likewise
    models: str=None,           # Models, likewise
    results: str='families',    # Name of the results' file
):
    "Train and measure every model."
    torch.set_num_threads(1)
    folder = ROOT/'runs'/Path(results).stem
    folder.mkdir(parents=True, exist_ok=True)
    lists = (tasks, TASKS), (splits, SPLITS), (models, MODELS)
    tasks, splits, models = (chosen(words, known) for words,known in lists)
    todo = [j for j in jobs(tasks, splits, seeds) if j.model in models]
    begin(results, minutes)
    for j in todo:
        if missing := [n for n in j.needs() if n not in todo and not n.done(load(results))]:
            raise SystemExit(f'{j.name} needs {missing[0].name}: name that model too')
    while todo:
        left = [j for j in todo if not work(j, results, folder)]
        if len(left) == len(todo): time.sleep(5)        # another process has what these wait for
        todo = left
