"""Copy what a pair of finished runs leaves behind: `python scripts/keep.py RUNS FOLDER`, with RUNS/gram and RUNS/baseline written by gram_train.

Settings, logs and answers of each go to FOLDER/gram and FOLDER/baseline, both models' metrics to FOLDER/metrics.json, and GRAM's weights in bf16 to gram_nb/weights/PROBLEM.safetensors."""
import json, shutil, sys
from pathlib import Path

from gram_nb import coloring        # registers its problems
from gram_nb.train import WEIGHTS, load_tensors, save_tensors

if __name__ == '__main__':
    runs, folder = map(Path, sys.argv[1:])
    for name in ('gram','baseline'):
        (folder/name).mkdir(parents=True, exist_ok=True)
        for f in ('config.json','log.csv','valid.csv','answers.safetensors'): shutil.copyfile(runs/name/f, folder/name/f)
    metrics = {name: json.loads((runs/name/'metrics.json').read_text()) for name in ('gram','baseline')}
    (folder/'metrics.json').write_text(json.dumps(metrics, indent=1))
    tensors, meta = load_tensors(runs/'gram'/'best.safetensors')
    path = WEIGHTS/f"{meta['config']['problem']}.safetensors"
    save_tensors(path, {k: v.bfloat16() if v.is_floating_point() else v for k,v in tensors.items()}, **meta)
    path.chmod(0o644)
