"""What RoPE's positions bring in the board encoding, on 7×7 N-Queens: `python scripts/positions.py [--seeds 3]`.

A line of tokens, rows and columns, or rows, columns and both diagonals; all else is the same. Figures are of fresh prior rollouts on a fifth of the inputs, held out of training and not the test part."""
import argparse, json
from dataclasses import asdict, replace
from pathlib import Path

import gram_nb.layers
import torch
from ablations import Split
from gram_nb.cli import machine
from gram_nb.inference import evaluate
from gram_nb.train import TrainConfig, train_step, write_atomic

OUT = Path(__file__).resolve().parents[1]/'data'/'results'/'positions.json'
BASE = TrainConfig(problem='nqueens7-board', dim=64, heads=2, hidden=64, n_sup=8, updates=600, lr=2e-3, beta=.64*7/49, batch=64, precision='fp32', compile=False)
EVERY = 25
ours = gram_nb.layers.rope_table

def rows_and_columns(length, d, rows=1):
    "Half of the channel pairs turn with the row, half with the column."
    i, n = torch.arange(length), length//rows
    frequency = 30.**(-torch.arange(0, d//2, 2)*2/d)
    angle = torch.cat([a[:,None]*frequency for a in (i//n, i%n)], 1)
    return angle.cos().repeat(1,2), torch.cat([-angle.sin(), angle.sin()], 1)

VARIANTS = {'line': ('line', ours), 'row and column': ('grid', rows_and_columns), 'row, column and diagonals': ('grid', ours)}

def run(positions, table, seed):
    gram_nb.layers.rope_table = table
    t = Split(replace(BASE, positions=positions, seed=seed), 'cpu')
    rows = torch.stack([train_step(t) for _ in range(BASE.updates)])
    score = evaluate(t.ema, t.problem, t.held_out, 20, seed=seed)[0]
    return dict(accuracy=score['accuracy'], coverage=score['coverage'], ceiling=score['ceiling'], inputs=score['inputs'],
                cross_entropy=rows[-100:,1].mean().item(), curve=[round(v, 5) for v in rows[:,1].view(-1,EVERY).mean(1).tolist()])

if __name__ == '__main__':
    p = argparse.ArgumentParser(); p.add_argument('--seeds', type=int, default=3)
    seeds, results = p.parse_args().seeds, {}
    for name,how in VARIANTS.items():
        results[name] = {str(s): run(*how, s) for s in range(seeds)}
        print(name, [f"{r['accuracy']:.3f}" for r in results[name].values()], flush=True)
        write_atomic(OUT, json.dumps(dict(command=f'python scripts/positions.py --seeds {seeds}', machine=machine(), torch=torch.__version__, config=asdict(BASE), every=EVERY, runs=results), indent=1).encode())
