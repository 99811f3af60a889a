"""Choices that the paper leaves open, each against its alternatives, on 7×7 N-Queens.

    python experiments/ablations.py                 # every variant, three seeds each
    python experiments/ablations.py positions       # one study: `choices`, `positions` or `components`
    python experiments/ablations.py 'β × 2'         # one variant

Every variant differs from the default in one thing. Figures are of fresh prior rollouts on a fifth of the
inputs, held out of training and not the test part. `choices` uses one token a row and writes
data/results/ablations.json; `positions` uses one token a square and writes data/results/positions.json;
`components` takes GRAM apart as the paper's Table 3 does, and writes data/results/components.json.
Runs that are in the file are kept, so the command can be stopped and started again. It uses one thread,
float32 and no compiling: on one machine the same seed gives the same numbers."""
import json, platform, time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Callable
from unittest import mock

import torch
from fastcore.script import Param, call_parse
from torch import nn
from gram_nb.checkpoints import write_atomic
from gram_nb.baselines import pick
from gram_nb.guidance import GRAM, NoiseHead, SIGMA_MIN
from gram_nb.halting import rollout_until_halt
from gram_nb.inference import evaluate
from gram_nb.layers import Attention, SwiGLU
from gram_nb.problems import Puzzles, split_inputs
from gram_nb.recursion import RRM
from gram_nb.settings import TrainConfig
from gram_nb.train import Trainer, adamw, ema_decay, posterior_accuracy, prior_statistics, train_step

RESULTS = Path(__file__).resolve().parents[1]/'data'/'results'
ROWS = TrainConfig(problem='nqueens7-rows', dim=64, hidden=64, n_sup=8, updates=1200, lr=2e-3, beta=.64,
                   batch=64, precision='fp32', compile=False)
BOARD = replace(ROWS, problem='nqueens7-board', heads=2, updates=600, beta=.64*7/49)

class HeldOut(Trainer):
    "A trainer that holds a fifth of the inputs out."
    def prepare_data(self):
        puzzles = self.problem.puzzles()
        split = split_inputs(len(puzzles), self.cfg.split_seed, valid=.2)
        self.train, self.held_out = puzzles.subset(split['train']), puzzles.subset(split['valid'])
        self.most = int(self.train.n_answers.max())

# ---- what a variant may change

@dataclass(frozen=True)
class Variant:
    topic: str                      # which the variant belongs to, for figures
    settings: dict = field(default_factory=dict)    # of `TrainConfig`
    model: Callable = None          # changes a model before its first update
    optimizer: Callable = None      # changes the trainer's optimizer
    data: Callable = None           # changes the trainer's puzzles
    ema_decay: Callable = ema_decay

    def trainer(self, base, seed):
        "A trainer that differs from the base in this variant alone."
        t = HeldOut(replace(base, seed=seed, **self.settings), 'cpu')
        if self.model:
            for m in (t.model, t.ema):
                torch.manual_seed(1)    # of weights that the change draws
                self.model(m)
            t.ema.load_state_dict(t.model.state_dict())
            t.ema.requires_grad_(False)
            t.opt = adamw(t.model, t.cfg, fused=True)
        if self.optimizer: self.optimizer(t)
        if self.data: self.data(t)
        return t

# ---- noise heads

class Added(NoiseHead):
    "Reads the sum of its two inputs instead of both."
    def forward(self, v): return super().forward(sum(v.chunk(2, -1)))

class Exponential(NoiseHead):
    def forward(self, u): return self.mu(u).float(), self.sigma(u).float().exp() + SIGMA_MIN

class NoMean(NoiseHead):
    def forward(self, u):
        mu, sigma = super().forward(u)
        return torch.zeros_like(mu), sigma

class UnitSigma(NoiseHead):
    def forward(self, u):
        mu, sigma = super().forward(u)
        return mu, torch.ones_like(sigma)

class StandardNormal(NoMean, UnitSigma): pass

def heads_as(kind, *names):
    "A change of the model: its noise heads `names` become of this kind, with the same weights."
    def change(model):
        for name in names: getattr(model, name).__class__ = kind
    return change

def added(model): model.posterior = Added(model.cfg.dim, model.cfg.dim, model.cfg.hidden)

def random_heads(model):
    for head in (model.prior, model.posterior):
        for mlp in (head.mu, head.sigma):
            nn.init.trunc_normal_(mlp.down.weight, std=mlp.down.in_features**-.5)

def no_decay_of_heads(t):
    "Move the noise heads to the group that does not decay."
    heads = {id(p) for head in (t.model.prior, t.model.posterior) for p in head.parameters()}
    decay, rest = t.opt.param_groups
    rest['params'] += [p for p in decay['params'] if id(p) in heads]
    decay['params'] = [p for p in decay['params'] if id(p) not in heads]

# ---- everything else

def swiglu_decoder(model): model.decoder = SwiGLU(model.cfg.dim, model.cfg.hidden, model.cfg.n_symbols)

def decay_everything(t): t.opt.param_groups[1]['weight_decay'] = t.cfg.weight_decay

def share_z0(model): model.z0.copy_(model.z0[:,:1].expand_as(model.z0).clone())

def rows_and_columns(model):
    "RoPE turns half of the channel pairs with the row and half with the column, none with a diagonal."
    for a in model.modules():
        if not isinstance(a, Attention): continue
        length, d = a.cos.shape
        i, n = torch.arange(length), length//model.cfg.rows
        frequency = 30.**(-torch.arange(0, d//2, 2)*2/d)
        angle = torch.cat([v[:,None]*frequency for v in (i//n, i%n)], 1)
        a.cos, a.sin = angle.cos().repeat(1,2), torch.cat([-angle.sin(), angle.sin()], 1)

# ---- components

class MuOnly(GRAM):
    "ε is the mean (σ = 0). The KL prices means as if σ were 1."
    stochastic = False
    def transition(self, h, l, e, noise=None, *args, **how):
        return super().transition(h, l, e, None, *args, **how)

class RandomStart(RRM):
    stochastic = True
    def start(self, batch): return tuple(torch.randn(2, batch, *self.z0.shape[1:]))

class SampledDecoding(RRM):
    "Each symbol is drawn from the decoder's distribution."
    stochastic = True
    def draw(self, x, n_sup=None, scale=1., generator=None, halting=None):
        h, steps = rollout_until_halt(self, x, n_sup, scale, generator, halting)
        y, p = pick(self.decode(h), generator=generator)
        return y, p.amin(-1), steps

def mu_only(model):
    model.__class__ = MuOnly
    heads_as(UnitSigma, *BOTH)(model)

def becomes(kind):
    def change(model): model.__class__ = kind
    return change

def first_answers(t):
    "Each training input with its first answer alone."
    p = t.train
    t.train, t.most = Puzzles(p.inputs, p.targets[p.first], torch.arange(len(p))), 1

BOTH = 'prior', 'posterior'
CHOICES = {
    'default': Variant('default'),
    'KL summed over channels, mean over tokens': Variant('KL', dict(reduction='token')),
    'KL mean over both': Variant('KL', dict(reduction='mean')),
    'prior trained on all transitions': Variant('KL', dict(kl_transitions='prior')),
    'KL of all transitions': Variant('KL', dict(kl_transitions='all')),
    'β × ½': Variant('KL', dict(beta=.32)),
    'β × 2': Variant('KL', dict(beta=1.28)),
    'no KL balance (α = ½)': Variant('KL', dict(alpha=.5)),
    'α = ½, same price of a nat': Variant('KL', dict(alpha=.5, beta=.256)),
    'posterior input added': Variant('noise heads', model=added),
    'σ = exp': Variant('noise heads', model=heads_as(Exponential, *BOTH)),
    'noise heads not from zero': Variant('noise heads', model=random_heads),
    'noise heads without weight decay': Variant('noise heads', optimizer=no_decay_of_heads),
    'σ = 0.1 at the start': Variant('noise heads', dict(sigma=.1)),
    'σ = 0.3 at the start': Variant('noise heads', dict(sigma=.3)),
    'σ = 2 at the start': Variant('noise heads', dict(sigma=2.)),
    'prior μ = 0': Variant('guidance', model=heads_as(NoMean, 'prior')),
    'prior σ = 1': Variant('guidance', model=heads_as(UnitSigma, 'prior')),
    'prior N(0, 1)': Variant('guidance', model=heads_as(StandardNormal, 'prior')),
    'μ = 0 in prior and posterior': Variant('guidance', model=heads_as(NoMean, *BOTH)),
    'no guidance': Variant('guidance', dict(model='rrm')),
    'half on policy': Variant('other', dict(on_policy=.5)),
    'z0 shared by tokens': Variant('other', model=share_z0),
    'SwiGLU decoder': Variant('other', model=swiglu_decoder),
    'weight decay on everything': Variant('other', optimizer=decay_everything),
    '16 supervision steps in training': Variant('other', dict(n_sup_train=16)),
    'EMA 0.999 without warm-up': Variant('other', ema_decay=lambda update, decay: decay),
}
POSITIONS = {
    'line': Variant('positions'),
    'row and column': Variant('positions', dict(positions='grid'), model=rows_and_columns),
    'row, column and diagonals': Variant('positions', dict(positions='grid')),
}

ONCE = dict(T=ROWS.T*ROWS.n_sup, n_sup=1, n_sup_train=1)    # a whole run for each update, one loss at its end
ONE_STATE = dict(K=0, blocks=4)
COMPONENTS = {
    'looped': Variant('recursion', dict(model='looped', blocks=4, n_sup_train=1)),
    'looped + deep supervision': Variant('recursion', dict(model='looped-ds', blocks=4)),
    'looped + guidance': Variant('recursion', ONE_STATE | ONCE),
    'looped + guidance + deep supervision': Variant('recursion', ONE_STATE),
    'looped + guidance + deep supervision, half on policy':
        Variant('recursion', ONE_STATE | dict(on_policy=.5)),
    'μ only': Variant('guidance', model=mu_only),
    'sampled decoding': Variant('where chance enters', dict(model='rrm'), model=becomes(SampledDecoding)),
    'random z0': Variant('where chance enters', dict(model='rrm'), model=becomes(RandomStart)),
    'one answer: no guidance': Variant('one answer', dict(model='rrm'), data=first_answers),
    'one answer: σ only': Variant('one answer', model=heads_as(NoMean, *BOTH), data=first_answers),
    'one answer: all': Variant('one answer', data=first_answers),
    'one answer: σ = 0.1 at the start': Variant('one answer', dict(sigma=.1), data=first_answers),
}

# ---- what is measured

def score(model, t):
    r, _ = evaluate(model.eval(), t.problem, t.held_out, samples=20, seed=t.cfg.seed)
    return {k: r[k] for k in ('accuracy', 'coverage', 'ceiling')}

def measure_choice(t, rows):
    "Figures of averaged and raw weights, and what the noise heads have learned."
    result = dict(ema=score(t.ema, t), raw=score(t.model, t), loss=rows[-1,0].item())
    if t.cfg.model != 'gram': return result
    def seeded(): return torch.Generator().manual_seed(t.cfg.seed)
    posterior = posterior_accuracy(t.ema, t.problem, t.held_out, seeded())
    mu, sigma = prior_statistics(t.ema, t.held_out.inputs, seeded())
    return dict(result, posterior_accuracy=posterior, mu=mu, sigma=sigma)

def measure_position(t, rows, every=25):
    "Figures of averaged weights, and the cross-entropy over training, a mean for each 25 updates."
    curve = [round(v, 5) for v in rows[:,1].view(-1,every).mean(1).tolist()]
    last = rows[-100:,1].mean().item()
    return dict(score(t.ema, t), inputs=len(t.held_out), cross_entropy=last, curve=curve)

@dataclass(frozen=True)
class Study:
    file: str
    base: TrainConfig
    variants: dict
    measure: Callable

STUDIES = dict(choices=Study('ablations.json', ROWS, CHOICES, measure_choice),
               positions=Study('positions.json', BOARD, POSITIONS, measure_position),
               components=Study('components.json', ROWS, COMPONENTS, measure_choice))

# ---- run

def run(study: Study, name: str, seed: int) -> dict:
    "Train one variant and measure it."
    variant, start = study.variants[name], time.time()
    t = variant.trainer(study.base, seed)
    with mock.patch('gram_nb.train.ema_decay', variant.ema_decay):
        rows = torch.stack([train_step(t) for _ in range(t.cfg.updates)])
    return dict(study.measure(t, rows), seconds=time.time()-start)

def stored(study: Study) -> dict:
    "The results so far."
    path = RESULTS/study.file
    head = dict(command='python experiments/ablations.py', config=asdict(study.base),
                machine=f'{platform.system()} {platform.machine()}, 1 thread', torch=torch.__version__)
    old = json.loads(path.read_text(encoding='utf-8')) if path.is_file() else dict(runs={})
    variants = {k: dict(topic=v.topic, settings=v.settings) for k,v in study.variants.items()}
    return dict(old, **head, variants=variants)

def keep(results: dict, study: Study):
    "Write the results, with variants and seeds in their order."
    runs = {k: dict(sorted(results['runs'][k].items())) for k in study.variants if k in results['runs']}
    text = json.dumps(dict(results, runs=runs), indent=1, ensure_ascii=False)
    write_atomic(RESULTS/study.file, text.encode())

def report(name, seed, r):
    s = r.get('ema', r)
    print(f"{name:42} seed {seed}: accuracy {s['accuracy']:6.1%}  Σnf/Σn² {s['coverage']['pairs']:6.1%} "
          f"of {s['ceiling']['pairs']:.1%}  {r['seconds']:.0f} s", flush=True)

@call_parse
def main(
    names: Param('studies or variants (default: all)', str, nargs='*', opt=False)=(),
    seeds: int=3,       # so many seeds of each
):
    "Train variants and keep their figures in data/results/."
    torch.set_num_threads(1)
    known = {*STUDIES, *(k for s in STUDIES.values() for k in s.variants)}
    if unknown := set(names) - known:
        raise SystemExit(f'unknown {min(unknown)!r}: choose of {", ".join(sorted(known))}')
    for title,study in STUDIES.items():
        chosen = [k for k in study.variants if not names or title in names or k in names]
        for seed,name in ((s, k) for s in range(seeds) for k in chosen):
            results = stored(study)
            if str(seed) in results['runs'].get(name, {}): continue
            r = results['runs'].setdefault(name, {})[str(seed)] = run(study, name, seed)
            keep(results, study)
            report(name, seed, r)
