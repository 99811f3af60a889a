"""Trajectories that begin again until they are sure, beside plain ones of 16 supervision steps: `python scripts/sure.py [NAMES]`, about an hour on two cores.

All test inputs, 20 answers each, with the defaults of `until_sure`. Results of the names that are not given are kept."""
import json, sys
from pathlib import Path

import torch
from gram_nb import coloring        # registers its problems
from gram_nb.beyond import until_sure
from gram_nb.cli import machine
from gram_nb.inference import fastest_precision, sample, score_answers
from gram_nb.train import load_model, write_atomic

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT/'data'/'results'/'sure.json'
WEIGHTS = {'nqueens8-board': 'nqueens8-board', **{f'coloring{n}-vertices': ROOT/f'data/runs/coloring{n}-vertices/gram/weights.safetensors' for n in (8,10)}}
SEED, SAMPLES, PLAIN, ATTEMPTS = 0, 20, 16, 15
precision = fastest_precision()

def measure(name):
    model, problem = load_model(WEIGHTS[name])
    p = problem.puzzles(); test = p.subset(problem.split(len(p))['test'])
    noise = torch.Generator().manual_seed(SEED)
    note = lambda how, steps, y: dict(how=how, steps=steps, **score_answers(problem, test, y))
    attempts = []
    for k,(y,steps) in enumerate(until_sure(model, test.inputs, SAMPLES, ATTEMPTS, generator=noise, precision=precision), 1):
        attempts.append(note(f'up to {k} attempts', steps, y))
        print(name, k, f"{steps:.2f} steps: {attempts[-1]['accuracy']:.4f}", attempts[-1]['coverage'], attempts[-1].get('conflicts'), flush=True)
    plain = note(f'{PLAIN} steps', PLAIN, sample(model, test.inputs, SAMPLES, PLAIN, generator=noise, precision=precision))
    print(name, 'plain', f"{plain['accuracy']:.4f}", plain['coverage'], plain.get('conflicts'), flush=True)
    return dict(plain=plain, attempts=attempts)

if __name__ == '__main__':
    result = json.loads(OUT.read_text()) if OUT.exists() else dict(test={})
    result.update(command='python scripts/sure.py', machine=machine(), torch=torch.__version__, precision=precision, samples=SAMPLES, seed=SEED)
    for name in sys.argv[1:] or WEIGHTS:
        result['test'][name] = measure(name)
        write_atomic(OUT, json.dumps(result, indent=1).encode())
