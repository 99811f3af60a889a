"""Is the shipped model a fair sampler, and what probability does it give to right answers? `python scripts/sampler.py`, about twenty minutes on one core."""
import json
from pathlib import Path

import torch
from gram_nb.cli import machine
from gram_nb.inference import fastest_precision, sample
from gram_nb.problems import queens_solutions, split_inputs
from gram_nb.sampler import answer_counts, fairness_of, log_likelihood, log_weights
from gram_nb.train import load_model, write_atomic

OUT = Path(__file__).resolve().parents[1]/'data'/'results'/'sampler.json'
SEEDS, DRAWS, SCALES, DEPTHS = (0,1), 200, (.6,.8,1.,1.2,1.4,1.7), (2,4,8,16,32)
precision = fastest_precision()
model, problem = load_model('nqueens8-rows')
puzzles = problem.puzzles()
test = puzzles.subset(split_inputs(len(puzzles))['test'])
many = test.subset((test.n_answers >= 5).nonzero()[:,0])
result = dict(command='python scripts/sampler.py', machine=machine(), torch=torch.__version__, precision=precision, weights='nqueens8-rows', seeds=SEEDS, inputs=len(many), samples=DRAWS)
save = lambda: write_atomic(OUT, json.dumps(result, indent=1).encode())

def even(**how): return [fairness_of(model, many, DRAWS, seed=s, precision=precision, **how) for s in SEEDS]

def likelihood(widths=(2,4,8,16,32,64,128,256), draws=500):
    "Σ p(y|x) over the right answers of two test inputs for each of several numbers of answers, in float32; and the share of right boards among prior draws."
    pairs = test.subset(torch.tensor([int((test.n_answers == n).nonzero()[k]) for n in (2,3,4,6,8,12) for k in (0,1)]))
    m, g = max(widths), torch.Generator().manual_seed(0)
    w = torch.cat([log_weights(model, pairs.inputs[o], y, m, generator=g) for o,y in zip(pairs.owner.split(16), pairs.targets.split(16))], 1)
    w = w[torch.cat([torch.randperm(m//2, generator=g)[:,None], m//2 + torch.randperm(m//2, generator=g)[:,None]], 1).flatten()]     # posterior and prior draws in turn
    bounds = torch.stack([torch.stack([log_likelihood(part) for part in w.split(n)]).mean(0) for n in widths])      # the bound for n samples: mean over groups of n
    y = sample(model, pairs.inputs, draws, generator=g)
    right = [1 - answer_counts(y[:,i], pairs.targets[pairs.owner == i])[-1].item()/draws for i in range(len(pairs))]
    return dict(widths=widths, answers=pairs.n_answers.tolist(), sums=torch.zeros(len(widths), len(pairs), dtype=torch.double).index_add(1, pairs.owner, bounds.exp()).tolist(), right=right, draws=draws, precision='fp32')

def empty(widths=(20,50,100,150,200,300,400,500)):
    "Different solutions among draws from the empty board."
    x, every, runs = problem.encode(torch.full((1,8), -1)), problem.encode(queens_solutions(8)), {}
    for s in (1.,1.4,1.7):
        y = sample(model, x, max(widths), scale=s, generator=torch.Generator().manual_seed(0), precision=precision)[:,0]
        runs[f'{s:g}'] = dict(right=1 - answer_counts(y, every)[-1].item()/len(y), distinct=[int((answer_counts(y[:m], every)[:-1] > 0).sum()) for m in widths])
    return dict(widths=widths, runs=runs)

if __name__ == '__main__':
    result['empty'] = empty(); save()
    result['likelihood'] = likelihood(); save()
    result['scale'] = {f'{s:g}': even(scale=s) for s in SCALES}; save()
    result['depth'] = {str(d): even(n_sup=d) for d in DEPTHS}; save()
