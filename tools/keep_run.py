"""Copy what a pair of finished runs leaves behind: `python scripts/keep.py RUNS FOLDER`, with RUNS/gram and RUNS/baseline written by gram_train.

Settings, logs and answers of each go to FOLDER/gram and FOLDER/baseline, both models' metrics to FOLDER/metrics.json, and GRAM's weights in bf16 to FOLDER/gram/weights.safetensors. Answers are kept as bytes where they fit."""
import json, shutil, sys
from pathlib import Path

from gram_nb import coloring        # registers its problems
from gram_nb.train import copy_as_bf16, load_tensors, save_tensors

if __name__ == '__main__':
    runs, folder = map(Path, sys.argv[1:])
    for name in ('gram','baseline'):
        (folder/name).mkdir(parents=True, exist_ok=True)
        for f in ('config.json','log.csv','valid.csv'): shutil.copyfile(runs/name/f, folder/name/f)
        tensors, meta = load_tensors(runs/name/'answers.safetensors')
        save_tensors(folder/name/'answers.safetensors', {k: v.byte() if 0 <= int(v.min()) and int(v.max()) < 256 else v.short() for k,v in tensors.items()}, **meta)
        (folder/name/'answers.safetensors').chmod(0o644)
    copy_as_bf16(runs/'gram'/'best.safetensors', folder/'gram'/'weights.safetensors')
    (folder/'gram'/'weights.safetensors').chmod(0o644)
    metrics = {name: json.loads((runs/name/'metrics.json').read_text()) for name in ('gram','baseline')}
    (folder/'metrics.json').write_text(json.dumps(metrics, indent=1))
