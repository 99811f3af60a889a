"""How uniformly does a GRAM draw valid answers, and what probability does it give to each?

`python experiments/uniformity.py` writes data/results/uniformity.json for the shipped weights of the row
encoding. About twenty minutes of one core. Started again, it goes on with the part that is missing."""
import torch
from gram_nb.checkpoints import load_model
from gram_nb.inference import fastest_precision, sample
from gram_nb.problems.queens import queens_solutions
from gram_nb.uniformity import answer_counts, log_likelihood, log_weights, uniformity_of
from store import load, machine, save

WEIGHTS, SEEDS, SAMPLES = 'nqueens8-rows', (0,1), 200
SCALES, DEPTHS = (.6,.8,1.,1.2,1.4,1.7), (2,4,8,16,32)

def seeded(seed=0): return torch.Generator().manual_seed(seed)

def share_valid(y, answers): return 1 - answer_counts(y, answers)[-1].item()/len(y)

def interleaved(w, generator):  # [samples, pairs]
    "Posterior's and prior's weights in turn, so that the first n are those of n samples, half from each."
    half = len(w)//2
    a, b = (torch.randperm(half, generator=generator) for _ in range(2))
    return w[torch.stack([a, half + b], 1).flatten()]

def likelihood(model, test, widths=(2,4,8,16,32,64,128,256), draws=500):
    "Σ p(y|x) over the valid answers of two test inputs for each of several numbers of answers, in fp32."
    pick = [int((test.n_answers == n).nonzero()[k]) for n in (2,3,4,6,8,12) for k in (0,1)]
    pairs, g = test.subset(torch.tensor(pick)), seeded()
    parts = zip(pairs.owner.split(16), pairs.targets.split(16))
    w = torch.cat([log_weights(model, pairs.inputs[o], y, max(widths), generator=g) for o,y in parts], 1)
    w = interleaved(w, g)
    sums = []
    for n in widths:        # the bound for n samples: mean over groups of n
        bound = torch.stack([log_likelihood(group) for group in w.split(n)]).mean(0)
        sums.append(torch.zeros(len(pairs)).double().index_add(0, pairs.owner, bound.exp()).tolist())
    y = sample(model, pairs.inputs, draws, generator=g)
    valid = [share_valid(y[:,i], pairs.targets[pairs.owner == i]) for i in range(len(pairs))]
    return dict(widths=widths, answers=pairs.n_answers.tolist(), sums=sums, valid=valid, draws=draws,
                precision='fp32')

def empty(model, problem, precision, widths=(20,50,100,150,200,300,400,500)):
    "Different solutions among draws from the empty board."
    x, every = problem.encode(torch.full((1,8), -1)), problem.encode(queens_solutions(8))
    runs = {}
    for scale in (1.,1.4,1.7):
        y = sample(model, x, max(widths), scale=scale, generator=seeded(), precision=precision)[:,0]
        distinct = [int((answer_counts(y[:m], every)[:-1] > 0).sum()) for m in widths]
        runs[f'{scale:g}'] = dict(valid=share_valid(y, every), distinct=distinct)
    return dict(widths=widths, runs=runs)

if __name__ == '__main__':
    model, problem = load_model(WEIGHTS)
    test = problem.parts()['test']
    many = test.subset((test.n_answers >= 5).nonzero()[:,0])
    result = load('uniformity') or dict(
        command='python experiments/uniformity.py', machine=machine(), torch=torch.__version__,
        precision=fastest_precision(), weights=WEIGHTS, seeds=SEEDS, inputs=len(many), samples=SAMPLES)
    precision = result['precision']

    def even(**how):
        return [uniformity_of(model, many, SAMPLES, seed, precision=precision, **how) for seed in SEEDS]

    for name,make in dict(
        empty=lambda: empty(model, problem, precision),
        likelihood=lambda: likelihood(model, test),
        scale=lambda: {f'{s:g}': even(scale=s) for s in SCALES},
        depth=lambda: {str(d): even(n_sup=d) for d in DEPTHS},
    ).items():
        if name not in result: result[name] = make()
        save('uniformity', result)
