"Result files of the experiments, `data/results/NAME.json`: read, extend, replace in one move."
import json, platform
from pathlib import Path

import torch
from gram_nb.checkpoints import to_json, write_atomic

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT/'data'/'results'

def machine() -> str:
    return f'{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads'

def load(name: str) -> dict:
    path = RESULTS/f'{name}.json'
    return json.loads(path.read_text()) if path.is_file() else {}

def save(name: str, result: dict):
    write_atomic(RESULTS/f'{name}.json', (to_json(result, indent=1) + '\n').encode())
