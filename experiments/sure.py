"""Trajectories that begin again until they are sure, beside the plain ones of the runs' own metrics: `python scripts/sure.py [NAMES]`, half an hour on one core.

All test inputs, 20 answers each, with the defaults of `until_sure`. Results of the names that are not given are kept."""
import json, sys
from pathlib import Path

import torch
from gram_nb import coloring        # registers its problems
from gram_nb.beyond import until_sure
from gram_nb.cli import machine, test_part
from gram_nb.inference import fastest_precision, score_answers
from gram_nb.train import load_model, write_atomic

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT/'data'/'results'/'sure.json'
RUNS = {'nqueens8-board': ('nqueens8-board', 'nqueens8-board'), **{f'coloring{n}-vertices': (f'coloring{n}-vertices', ROOT/f'data/runs/coloring{n}-vertices/gram/weights.safetensors') for n in (8,10)}}      # run, weights
SEED, SAMPLES, PLAIN, ATTEMPTS = 0, 20, 16, 15
precision = fastest_precision()

def measure(name):
    run, weights = RUNS[name]
    model, problem = load_model(weights)
    test = test_part(problem)
    plain = json.loads((ROOT/'data'/'runs'/run/'metrics.json').read_text())
    attempts = []
    for k,(y,steps) in enumerate(until_sure(model, test.inputs, SAMPLES, ATTEMPTS, generator=torch.Generator().manual_seed(SEED), precision=precision), 1):
        attempts.append(dict(how=f'up to {k} attempts', steps=steps, **score_answers(problem, test, y)))
        print(name, k, f"{steps:.2f} steps: {attempts[-1]['accuracy']:.4f}", attempts[-1]['coverage'], attempts[-1].get('conflicts'), flush=True)
    return dict(plain=dict(plain.get('gram', plain), how=f'{PLAIN} steps', steps=PLAIN), attempts=attempts)

if __name__ == '__main__':
    result = json.loads(OUT.read_text()) if OUT.exists() else dict(test={})
    result.update(command='python scripts/sure.py', machine=machine(), torch=torch.__version__, precision=precision, samples=SAMPLES, seed=SEED)
    for name in sys.argv[1:] or RUNS:
        result['test'][name] = measure(name)
        write_atomic(OUT, json.dumps(result, indent=1).encode())
