"""Halting and value heads for trained weights: `python experiments/heads.py [WEIGHTS]`.

Fits them on prior rollouts of training inputs, once at the noise scale of training and once at
several, and keeps the second. They lie beside the weights as NAME-heads.safetensors, their scores
in data/results/heads.json: the area under the ROC curve on four prior rollouts of each validation
input at noise scale 1.5, since at 1 the model hardly errs."""
import torch
from fastcore.script import call_parse
from gram_nb.checkpoints import check_output, copy_as_bf16, load_run, save_heads, weights_path
from gram_nb.halting import collect, fit_heads
from sklearn.metrics import roc_auc_score
from store import load, machine, save

SCALES = dict(scale_1=(1.,), scales_1_to_2_5=(1., 1.5, 2., 2.5))

@torch.no_grad()
def areas(heads, states, valid) -> dict:
    return dict(halt=roc_auc_score(valid.flatten(), heads.q(states)[...,0].flatten()),
                value=roc_auc_score(valid[-1], heads.value(states[-1])))

@call_parse
def main(
    weights: str='nqueens8-rows',   # A .safetensors file, or a problem whose weights are shipped
):
    "Fit halting and value heads to trained weights."
    path = weights_path(weights)
    out = check_output(path.with_name(path.stem + '-heads.safetensors'))
    model, problem, cfg = load_run(weights)
    parts, generator, result = problem.parts(cfg.split, cfg.split_seed), torch.Generator().manual_seed(1), {}
    x = parts['valid'].inputs.repeat(4, 1)
    states, valid = collect(model, problem, x, generator=generator, scale=1.5)
    for label,scales in SCALES.items():
        heads = fit_heads(model, problem, parts['train'], scales=scales)
        result[label] = areas(heads, states, valid)
        print(label, result[label], flush=True)
    save_heads(out, heads, scales=scales)
    copy_as_bf16(out, out)
    about = dict(machine=machine(), torch=torch.__version__, seed=0)
    about['command'] = f'python experiments/heads.py {weights}'
    save('heads', load('heads') | {weights: about | result})
