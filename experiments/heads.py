"Fit halting and value heads to shipped weights, on prior rollouts of training inputs at several noise scales: `python scripts/heads.py [PROBLEM]`."
import json, sys
from pathlib import Path

import torch
from gram_nb.halting import auc, collect, fit_heads
from gram_nb.problems import split_inputs
from gram_nb.train import WEIGHTS, load_model, save_tensors, write_atomic

name = sys.argv[1] if len(sys.argv) > 1 else 'nqueens8-rows'
model, problem = load_model(name)
puzzles = problem.puzzles()
part = {k: puzzles.subset(i) for k,i in split_inputs(len(puzzles)).items()}
states, right = collect(model, problem, part['valid'].inputs.repeat(4,1), generator=torch.Generator().manual_seed(1), scale=1.5)     # at 1 it hardly errs
result = {}
for label,scales in (('scale_1', (1.,)), ('scales_1_to_2_5', (1.,1.5,2.,2.5))):
    heads = fit_heads(model, problem, part['train'], scales=scales)
    result[label] = dict(halt=auc(heads.q(states)[...,0].flatten(), right.flatten()), value=auc(heads.value(states[-1]), right[-1]))
    print(label, result[label], flush=True)
path = Path(WEIGHTS)/f'{name}-heads.safetensors'
save_tensors(path, {k: v.bfloat16() for k,v in heads.state_dict().items()}, dim=model.cfg.dim, tokens=heads.tokens, scales=scales)
about = 'area under ROC on 4 prior rollouts of each validation input at noise scale 1.5: halt over all steps, value at the last'
write_atomic(Path(__file__).resolve().parents[1]/'data'/'runs'/name/'heads.json', json.dumps(dict(about=about, command=f'python scripts/heads.py {name}', seed=0, **result), indent=1).encode())
