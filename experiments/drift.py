"""What repeats and what does not: the same training (6×6, 400 updates, seed 0) again, with two threads, in bf16, compiled, and with another seed. `python scripts/drift.py` writes data/results/drift.json.

For each: is the log identical, the first update whose loss differs, how far the loss is off at the end (mean of the last 20 updates), and the accuracy on validation inputs."""
import json, tempfile
from dataclasses import replace
from pathlib import Path

import torch
from gram_nb.cli import machine
from gram_nb.train import PRESETS, read_csv, train, write_atomic

BASE = replace(PRESETS['tiny'], problem='nqueens6-rows', updates=400, validations=2)
VARIANTS = {'the same again': (1, {}), 'two threads': (2, {}), 'bf16': (1, dict(precision='bf16')), 'compiled': (1, dict(compile=True)), 'another seed': (1, dict(seed=1))}

def run(threads, changes, folder):
    torch.set_num_threads(threads)
    train(replace(BASE, **changes), folder, 'cpu', quiet=True)
    return read_csv(Path(folder)/'log.csv'), read_csv(Path(folder)/'valid.csv')['prior_accuracy'][-1]

with tempfile.TemporaryDirectory() as d:
    log, accuracy = run(1, {}, f'{d}/base')
    last = lambda log: sum(log['loss'][-20:])/20
    result = {}
    for name,(threads,changes) in VARIANTS.items():
        other, acc = run(threads, changes, f'{d}/{name}')
        differ = [int(u) for u,a,b in zip(log['update'], log['loss'], other['loss']) if a != b]
        result[name] = dict(identical=(Path(d)/'base'/'log.csv').read_bytes() == (Path(d)/name/'log.csv').read_bytes(), first_difference=differ[0] if differ else None,
                            loss_at_end=last(other), relative_to_base=last(other)/last(log) - 1, accuracy=acc)
        print(f'{name:16}', result[name], flush=True)
out = Path(__file__).resolve().parents[1]/'data'/'results'/'drift.json'
write_atomic(out, json.dumps(dict(command='python scripts/drift.py', machine=machine(), torch=torch.__version__, base=dict(loss_at_end=last(log), accuracy=accuracy), variants=result), indent=1).encode())
