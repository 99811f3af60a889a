"""Choices that the paper leaves open, each against its alternatives, on 7×7 N-Queens in the row encoding: `python scripts/ablations.py [--seeds 3] [NAMES]`.

Every variant differs from `default` in one thing. Figures are of fresh prior rollouts on a fifth of the inputs, held out of training and not the test part. Finished runs in the result file are kept, so the command can be stopped and resumed."""
import argparse, json, time
from dataclasses import asdict, replace
from pathlib import Path

import gram_nb.train
import torch
from torch import nn
from gram_nb.cli import machine
from gram_nb.guidance import NoiseHead, SIGMA_MIN, rollout
from gram_nb.halting import Heads, auc, collect, fit_heads, halt_step, train_heads
from gram_nb.inference import evaluate
from gram_nb.problems import split_inputs
from gram_nb.train import TrainConfig, Trainer, ema_decay, posterior_accuracy, train_step, write_atomic

OUT = Path(__file__).resolve().parents[1]/'data'/'results'/'ablations.json'
BASE = TrainConfig(problem='nqueens7-rows', dim=64, hidden=64, n_sup=8, updates=1200, lr=2e-3, beta=.64, batch=64, precision='fp32', compile=False)

class Split(Trainer):
    "A trainer that holds a fifth of the inputs out."
    def prepare_data(self):
        puzzles = self.problem.puzzles()
        split = split_inputs(len(puzzles), self.cfg.split_seed, valid=.2)
        self.train_part, self.held_out = puzzles.subset(split['train']), puzzles.subset(split['valid'])
        self.x, self.y = self.train_part.inputs[self.train_part.owner], self.train_part.targets

def added(model):
    "Posterior input u + e_y instead of their concatenation."
    torch.manual_seed(1)
    model.posterior = NoiseHead(model.cfg.dim, model.cfg.dim, model.cfg.hidden)
    model.q = lambda u, e_y: model.posterior(u + e_y)

def exponential(model):
    "σ = exp(s) instead of softplus."
    def forward(head, u): return head.mu(u).float(), head.sigma(u).float().exp() + SIGMA_MIN
    for head in (model.prior, model.posterior): head.forward = forward.__get__(head)

def plain_heads(model):
    "Last layers of the noise heads initialized like all others instead of zero."
    torch.manual_seed(1)
    for head in (model.prior, model.posterior):
        for mlp in (head.mu, head.sigma): nn.init.trunc_normal_(mlp.down.weight, std=mlp.down.in_features**-.5)

def swiglu_decoder(model):
    "A SwiGLU decoder instead of a linear one."
    from gram_nb.layers import SwiGLU
    torch.manual_seed(1)
    model.decoder = SwiGLU(model.cfg.dim, model.cfg.hidden, model.cfg.n_symbols)

VARIANTS = {    # name → (settings, change of the model)
    'default': ({}, None),
    'KL summed over channels, mean over tokens': (dict(reduction='token'), None),
    'KL mean over both': (dict(reduction='mean'), None),
    'prior trained on all transitions': (dict(charge='prior'), None),
    'KL of all transitions': (dict(charge='all'), None),
    'posterior input added': ({}, added),
    'σ = exp': ({}, exponential),
    'noise heads not from zero': ({}, plain_heads),
    'SwiGLU decoder': ({}, swiglu_decoder),
    'weight decay on everything': ({}, 'decay'),
    'no KL balance (α = ½)': (dict(alpha=.5), None),
    'EMA 0.999 without warm-up': ({}, 'cold'),
}

def run(name, seed):
    settings, change = VARIANTS[name]
    t = Split(replace(BASE, seed=seed, **settings), 'cpu')
    if callable(change):
        for m in (t.model, t.ema): change(m)
        t.ema.load_state_dict(t.model.state_dict())
        t.ema.requires_grad_(False)
        decay, rest = (g['weight_decay'] for g in t.opt.param_groups)
        named = list(t.model.named_parameters())
        matrices = [p for n,p in named if p.ndim == 2 and not n.startswith(('embed','decoder'))]
        others = [p for n,p in named if p.ndim != 2 or n.startswith(('embed','decoder'))]
        t.opt = torch.optim.AdamW([dict(params=matrices, weight_decay=decay), dict(params=others, weight_decay=rest)], lr=t.cfg.lr, betas=(.9,.95), fused=True)
    if change == 'decay': t.opt.param_groups[1]['weight_decay'] = t.cfg.weight_decay
    if change == 'cold': gram_nb.train.ema_decay = lambda update, decay: decay
    start = time.time()
    try:
        for _ in range(t.cfg.updates): row = train_step(t)
    finally: gram_nb.train.ema_decay = ema_decay
    result = {}
    for which,m in (('ema', t.ema), ('raw', t.model)):
        r, _ = evaluate(m.eval(), t.problem, t.held_out, samples=20, seed=seed)
        result[which] = dict(accuracy=r['accuracy'], coverage=r['coverage'], ceiling=r['ceiling'])
    result.update(posterior_accuracy=posterior_accuracy(t.ema, t.problem, t.held_out, torch.Generator().manual_seed(seed)), loss=row[0].item(), seconds=time.time()-start)
    if name == 'default': result['heads'] = compare_heads(t, seed)
    return result

def compare_heads(t, seed):
    "Halting and value heads fitted on prior and on posterior rollouts, compared on held-out prior rollouts."
    g = torch.Generator().manual_seed(seed)
    states, right = collect(t.ema, t.problem, t.held_out.inputs, generator=g)
    p, batch, result = t.train_part, torch.arange(right.shape[1]), {}
    with torch.no_grad():
        first = p.targets[p.n_answers.cumsum(0) - p.n_answers]
        known = torch.stack([h for h,_ in rollout(t.ema, p.inputs, y=first, generator=g)])
        known_right = torch.stack([t.problem.valid(p.inputs, t.ema.decode(h).argmax(-1)) for h in known])
    torch.manual_seed(seed)
    for name,heads in (('prior', fit_heads(t.ema, t.problem, p, t.cfg.n_sup, seed=seed)), ('posterior', train_heads(Heads(t.cfg.dim, t.ema.cfg.length), known, known_right, g))):
        at = halt_step(heads, states)
        result[name] = dict(halt_auc=auc(heads.q(states)[...,0].flatten(), right.flatten()), steps=1 + at.float().mean().item(), accuracy_when_halted=right[at,batch].float().mean().item(),
                            accuracy_at_full_depth=right[-1].float().mean().item())
    return result

if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('names', nargs='*', help='variants (default: all)')
    ap.add_argument('--seeds', type=int, default=3)
    args = ap.parse_args()
    OUT.parent.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    results = json.loads(OUT.read_text()) if OUT.is_file() else dict(command='python scripts/ablations.py', machine=machine(), torch=torch.__version__, config=asdict(BASE), runs={})
    for seed in range(args.seeds):
        for name in args.names or VARIANTS:
            if str(seed) in results['runs'].get(name, {}): continue
            r = results['runs'].setdefault(name, {})[str(seed)] = run(name, seed)
            write_atomic(OUT, json.dumps(results, indent=1, ensure_ascii=False).encode())
            print(f"{name:44} seed {seed}: prior {r['ema']['accuracy']:6.1%}  posterior {r['posterior_accuracy']:6.1%}  pairs {r['ema']['coverage']['pairs']:6.1%} of {r['ema']['ceiling']['pairs']:.1%}  {r['seconds']:.0f} s", flush=True)
