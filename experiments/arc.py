"""ARC-AGI-1, the tasks that fit 10×10: how many of the 77 evaluation tasks do GRAM and the deterministic
baseline solve, and how does that grow with training?

    python experiments/arc.py       # about ten minutes of one core for each training

Looks at the trainings below runs/ that there are (see RUNS), which may still go on, and takes the best
weights by validation so far. (Those in the file were trained on a GPU by scripts/gpu_all.sh: `runs` with
noise that starts at σ = 1, `narrow` with σ from 0.1.) Every test input is answered in 32 views, by one
trajectory in each, for GRAM by two too. The answers are brought back, and voted on: by count, weighed by the
decoder's confidence, and weighed by a value head (LPRM) that is fitted on validation inputs. Writes
data/results/arc.json. Each call adds a point to the curve of a training whose best weights are new, so call
it again while they train.

    python experiments/arc.py --paper       # a minute, 10 GiB

runs one update of the paper's presets, with a batch of two puzzles, counts its operations, and adds that.

    python experiments/arc.py --noise       # three minutes

looks at validation inputs with less noise.

    python experiments/arc.py --beta        # seven minutes

trains GRAM for three minutes with two β, and compares the loss in training, where the posterior knows the
answer, with that of prior rollouts on training pairs."""
import json, time
from dataclasses import asdict, replace

import torch
from fastcore.script import call_parse, store_true
from torch.utils.flop_counter import FlopCounterMode
from gram_nb.checkpoints import load_run, load_tensors
from gram_nb.guidance import rollout
from gram_nb.halting import Heads, confidence, train_heads
from gram_nb.inference import evaluate, precision_context
from gram_nb.problems import get_problem
from gram_nb.problems.arc import grid_of, guesses, ranked
from gram_nb.recursion import token_nats
from gram_nb.settings import get_preset
from gram_nb.train import Trainer, memory_needed, train, train_step

from store import ROOT, load, machine, save, updating

MODELS, HERE = ('gram','baseline'), ROOT/'runs'
RUNS = {        # in the file: name and folder of each training
    group: {f'{m}-{seed}': HERE/f'{folder}{suffix}'/m
            for seed,suffix in enumerate(('','-seed1')) for m in MODELS}
    for group,folder in (('runs', 'arc1-10x10'), ('narrow', 'arc1-10x10-narrow'))
}
PER_VIEW = 2            # trajectories of GRAM
NOISE = 0., .5, 1.      # scales

def draw(model, problem, x, copies: int, generator, heads=None, batch: int=256):
    "Answers in view 0, confidence and value: [copies, inputs, …]. Copy i sees view i."
    X, _, back = problem.in_views(len(x))(x.repeat(copies, 1), generator)
    parts = []
    for part in X.split(batch):
        with torch.no_grad(), precision_context('cpu', 'bf16'):
            *_, (h, _) = rollout(model, part, generator=generator)
            logits = model.decode(h)
            value = heads.value(h) if heads else torch.zeros(len(h))
        parts.append((logits.argmax(-1), confidence(logits), value.float()))
    y, p, value = (torch.cat(v) for v in zip(*parts))
    return back(y).view(copies, len(x), -1), p.view(copies, -1), value.view(copies, -1)

def fit_value(model, problem, puzzles, generator, copies: int=4) -> Heads:
    "A value head on the first token, fitted on rollouts in some views of validation inputs."
    x = puzzles.inputs
    X, _, back = problem.in_views(len(x))(x.repeat(copies, 1), generator)
    states, ok = [], []
    with torch.no_grad(), precision_context('cpu', 'bf16'):
        for h,_ in rollout(model, X, generator=generator):
            states.append(h[:,:1].float())
            ok.append(problem.valid(x.repeat(copies, 1), back(model.decode(h).argmax(-1))))
    torch.manual_seed(0)
    return train_heads(Heads(model.cfg.dim), torch.stack(states), torch.stack(ok), generator)

def scores(problem, test, y, weights: dict) -> dict:    # vote → tasks solved with one and with two guesses
    result = {}
    for name,w in weights.items():
        g = guesses(y, w)
        result[name] = {f'pass@{k}': sum(problem.solved(test.inputs, g, k).values()) for k in (1,2)}
    return result

def kind(a, b) -> str:      # answers [out_len]
    "What two answers to the same input disagree about."
    a, b = grid_of(a), grid_of(b)
    if a.shape != b.shape: return 'size'
    if a.equal(b): return 'nothing'
    return 'places' if a.flatten().sort().values.equal(b.flatten().sort().values) else 'colors'

def disagreements(y) -> dict:   # [trajectories, views, inputs, out_len] → pairs of each kind, as shares
    def shares(pairs):
        kinds = [kind(a, b) for u,v in pairs for a,b in zip(u.flatten(0,-2), v.flatten(0,-2))]
        return {k: kinds.count(k)/len(kinds) for k in ('nothing','places','colors','size')}
    views = [(y[0,i], y[0,i+1]) for i in range(0, y.shape[1], 8)]
    return {'two trajectories in one view': shares([(y[0,::4], y[1,::4])]), 'two views': shares(views)}

def text_of(y) -> str:      # rows of digits; x is no color
    return '/'.join(''.join(str(c) if c >= 0 else 'x' for c in row) for row in grid_of(y).tolist())

def votes(problem, test, y) -> list:
    "The four answers to each test input that have most votes."
    result = []
    for i,x in enumerate(test.inputs):
        best, count = (v[:4].tolist() for v in ranked(y[:,i]))
        task = problem.tasks[x[0]//problem.views].name
        result.append(dict(task=task, votes=count, answers=[text_of(torch.tensor(a)) for a in best]))
    return result

def measured(folder, update: int) -> tuple:     # a point of the curve, what is kept of the last one alone
    model, problem, cfg = load_run(folder/'best.safetensors')
    parts, generator = problem.parts(), torch.Generator().manual_seed(cfg.seed)
    test, copies = parts['test'], problem.views * (PER_VIEW if cfg.model == 'gram' else 1)
    heads = fit_value(model, problem, parts['valid'], generator)
    y, p, value = draw(model, problem, test.inputs, copies, generator, heads)
    one = slice(problem.views)
    def voted(part):
        return scores(problem, test, y[part], dict(count=None, confidence=p[part], value=value[part]))
    single = problem.valid(test.inputs.repeat(copies, 1), y.flatten(0, 1)).double().mean().item()
    point = dict(update=update, answers_right=single, one=voted(one))
    kept = dict(votes=votes(problem, test, y))
    if cfg.model == 'gram':
        point['two'] = voted(slice(None))
        kept['disagree'] = disagreements(y.view(PER_VIEW, problem.views, *y.shape[1:]))
    return point, kept | dict(config=asdict(cfg))

def seconds_at(folder, update: int) -> tuple:   # seconds of training, validation accuracy
    rows = [line.split(',') for line in (folder/'valid.csv').read_text().splitlines()]
    i, j = rows[0].index('seconds'), rows[0].index('prior_accuracy')
    return next((float(r[i]), float(r[j])) for r in rows[1:] if int(float(r[0])) == update)

def baselines() -> dict:
    problem = get_problem('arc1-10x10')
    x = problem.pairs('test').inputs
    return {name: sum(problem.solved(x, g).values()) for name,g in problem.dumb_guesses(x).items()}

def one_update(preset: str) -> dict:
    "Memory that a preset needs, operations of one of its updates, seconds of one with two puzzles."
    cfg = get_preset(preset)
    t = Trainer(replace(cfg, batch=2, accumulate=1, compile=False), 'cpu')
    with FlopCounterMode(display=False) as counter: loss = train_step(t)[0].item()
    start = time.perf_counter()
    train_step(t)
    seconds = time.perf_counter() - start
    return dict(memory=memory_needed(cfg), flops=counter.get_total_flops()/2*cfg.batch, loss=loss,
                seconds_of_two=seconds, precision=t.cfg.precision, batch=cfg.batch, updates=cfg.updates,
                tasks=t.problem.n_tasks, parameters=sum(p.numel() for p in t.model.parameters()))

def keep(key: str, value):
    "Put something into the file, as it is now."
    with updating('arc') as result: result[key] = value

def short_run(beta: float, minutes: float=3.) -> dict:
    "Cross-entropy of training, under the posterior, and of prior rollouts on training pairs."
    cfg = get_preset('arc1-10x10-fast', minutes=minutes, validations=1, compile=False, beta=beta, sigma=1.)
    t = train(cfg, ROOT/'runs'/'arc-beta'/f'{beta}')
    part, g = t.problem.pairs('train'), torch.Generator().manual_seed(0)
    i = torch.randperm(len(part), generator=g)[:192]
    x, there, _ = t.problem.random_symmetry(part.inputs[i], g)
    with torch.no_grad(): *_, (h, _) = rollout(t.ema, x, cfg.n_sup_train, generator=g)
    last = [row for row in t.log[-200:] if row[1] == cfg.n_sup_train]
    return dict(beta=beta, minutes=minutes, updates=t.update, kl=sum(r[4] for r in last)/len(last),
                posterior=sum(r[3] for r in last)/len(last),
                prior=token_nats(t.ema.decode(h), there(part.targets[i])).mean().item())

def by_noise() -> dict:     # run → noise scale → accuracy
    "Single answers to validation inputs in view 0, for several noise scales of GRAM."
    def accuracies(folder):
        model, problem, _ = load_run(folder/'best.safetensors')
        valid = problem.parts()['valid']
        runs = {s: evaluate(model, problem, valid, 2, scale=s, precision='bf16') for s in NOISE}
        return {s: scores['accuracy'] for s,(scores,_) in runs.items()}
    return {name: accuracies(folder) for name,folder in RUNS['runs'].items()
            if name.startswith('gram') and (folder/'best.safetensors').is_file()}

@call_parse
def main(
    paper: store_true,      # One update of the paper's presets, instead of evaluation
    beta: store_true,       # Two short trainings, instead of evaluation
    noise: store_true,      # Noise scales on validation inputs, instead of evaluation
):
    "Evaluate what is new."
    torch.set_num_threads(1)
    if not load('arc'):
        facts = dict(command='python experiments/arc.py', machine=machine(), torch=torch.__version__)
        size = dict(size='ARC-AGI-1, tasks that fit 10×10', tasks=77, views=32)
        save('arc', dict(**facts, **size, baselines=baselines(), runs={}))
    if paper: return keep('paper', {name: one_update(name) for name in ('arc1-paper','arc2-paper')})
    if noise: return keep('noise', by_noise())
    if beta: return keep('beta', [short_run(b) for b in (.045,.3)])
    for group,name,folder in ((g, *item) for g,folders in RUNS.items() for item in folders.items()):
        if not (folder/'best.safetensors').is_file(): continue
        update = load_tensors(folder/'best.safetensors')[1]['validation']['update']
        points = load('arc').get(group, {}).get(name, {}).get('points', [])
        if any(p['update'] == update for p in points): continue
        seconds, validation = seconds_at(folder, update)
        point, rest = measured(folder, update)
        points.append(dict(point, seconds=seconds, validation=validation))
        with updating('arc') as result: result.setdefault(group, {})[name] = dict(points=points, **rest)
        print(name, json.dumps(points[-1]), flush=True)
