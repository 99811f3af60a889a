"""What repeats and what does not: the same training (6×6, 400 updates, seed 0) again, with two threads, in
bf16, and with another seed. `python experiments/drift.py` writes data/results/drift.json.

For each: is the log identical, the first update whose loss differs, how far the loss is off at the end (mean
of the last 20 updates), and the accuracy on validation inputs. A compiled step is compared over 1000 updates,
because shorter runs are not compiled."""
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from fastcore.script import call_parse
from gram_nb.checkpoints import read_csv
from gram_nb.settings import PRESETS
from gram_nb.train import train
from store import machine, save

BASE = replace(PRESETS['tiny'], problem='nqueens6-rows', updates=400, validations=2)
LONG = replace(BASE, updates=1000)
VARIANTS = {    # name → settings of both, threads and settings of the other
    'the same again': (BASE, 1, {}),
    'two threads': (BASE, 2, {}),
    'bf16': (BASE, 1, dict(precision='bf16')),
    'compiled': (LONG, 1, dict(compile=True)),
    'another seed': (BASE, 1, dict(seed=1)),
}

def run(cfg, threads: int, folder: Path) -> dict:
    "A training: its log, the log's bytes, loss at the end, accuracy."
    torch.set_num_threads(threads)
    train(cfg, folder, 'cpu', quiet=True)
    log, valid = read_csv(folder/'log.csv'), read_csv(folder/'valid.csv')
    return dict(loss=log['loss'], data=(folder/'log.csv').read_bytes(),
                loss_at_end=sum(log['loss'][-20:])/20, accuracy=valid['prior_accuracy'][-1])

def compared(base: dict, other: dict) -> dict:
    differ = [i for i,(a,b) in enumerate(zip(base['loss'], other['loss']), 1) if a != b]
    end = other['loss_at_end']
    return dict(identical=base['data'] == other['data'], first_difference=differ[0] if differ else None,
                loss_at_end=end, relative_to_base=end/base['loss_at_end'] - 1, accuracy=other['accuracy'])

@call_parse
def main():
    "Compare trainings that should be the same."
    with tempfile.TemporaryDirectory() as d:
        bases = {cfg.updates: run(cfg, 1, Path(d)/f'base{cfg.updates}') for cfg in (BASE, LONG)}
        result = {}
        for name,(cfg,threads,changes) in VARIANTS.items():
            result[name] = compared(bases[cfg.updates], run(replace(cfg, **changes), threads, Path(d)/name))
            print(f'{name:16}', result[name], flush=True)
    torch.set_num_threads(1)
    base = {k: bases[BASE.updates][k] for k in ('loss_at_end', 'accuracy')}
    save('drift', dict(command='python experiments/drift.py', machine=machine(), torch=torch.__version__,
                       base=base, variants=result))
