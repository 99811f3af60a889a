"""Write the golden trace in data/golden/ anew: `python tools/golden.py`. Only for a change that is meant to
change numbers, or with `--answers` after new weights; tests/test_golden.py compares with what is there."""
import json
from dataclasses import asdict, replace
from pathlib import Path
from unittest import mock

import torch
from fastcore.script import call_parse
from gram_nb import train
from gram_nb.checkpoints import load_model, save_tensors, write_atomic
from gram_nb.elbo import KL_TRANSITIONS, REDUCTIONS
from gram_nb.inference import sample
from gram_nb.settings import PRESETS, TrainConfig

GOLDEN = Path(__file__).resolve().parents[1]/'data'/'golden'
TINY, UPDATES = PRESETS['tiny'], 20
OPTIMIZER = dict(name='AdamW', betas=[.9,.95], eps=1e-8, weight_decay=TINY.weight_decay, clip=TINY.clip,
                 no_decay=['embed','embed_y','decoder'])

def settings(cfg: TrainConfig) -> dict:
    "What a port must know of the run."
    return dict(preset='tiny', model=cfg.model, n_sup_train=cfg.n_sup_train, optimizer=OPTIMIZER,
                sizes={k: getattr(cfg, k) for k in ('dim','heads','hidden','blocks','K','T')},
                objective=asdict(cfg.objective) if cfg.model == 'gram' else {},
                lr=[cfg.lr*train.lr_factor(i/cfg.updates, i, cfg.warmup) for i in range(UPDATES)])

def write_trace(model: str):
    "Weights, batches, noise and losses of the first updates."
    t, seen, backward = train.Trainer(replace(TINY, model=model), 'cpu'), [], train.backward
    weights = lambda when: {f'{when}.{k}': v.clone() for k,v in t.model.state_dict().items()}
    def record(t, h, l, x, y, noise, *rows):
        seen.append((x.byte(), y.byte(), noise))
        return backward(t, h, l, x, y, noise, *rows)
    tensors = weights('init')
    with mock.patch.object(train, 'backward', record):
        rows = [train.train_step(t).tolist() for _ in range(UPDATES)]
    x, y, noise = (torch.stack(v) for v in zip(*seen))
    tensors |= weights('last') | dict(x=x, y=y) | (dict(noise=noise) if model == 'gram' else {})
    columns = ['loss', 'cross_entropy', 'kl', 'grad_norm']
    save_tensors(GOLDEN/f'{model}.safetensors', tensors, columns=columns, rows=rows, **settings(t.cfg))

def write_variants(updates=8):
    "Losses for each choice of transitions and reduction, and with the batch in two parts."
    choices = {f'{k}-{r}': dict(kl_transitions=k, reduction=r) for k in KL_TRANSITIONS for r in REDUCTIONS}
    losses = {}
    for name,changes in (choices | {'accumulate-2': dict(accumulate=2)}).items():
        t = train.Trainer(replace(TINY, **changes), 'cpu')
        losses[name] = dict(settings=changes, loss=[train.train_step(t)[0].item() for _ in range(updates)])
    text = json.dumps(dict(preset='tiny', model='gram', losses=losses), indent=1)
    write_atomic(GOLDEN/'variants.json', (text + '\n').encode())

def write_answers(samples=4, n_sup=8, seed=7):
    "Answers of the shipped weights."
    answers = {}
    for name in ('nqueens8-rows', 'nqueens8-board'):
        model, problem = load_model(name)
        x, g = problem.parts()['test'].inputs[::40], torch.Generator().manual_seed(seed)
        answers[name] = sample(model, x, samples, n_sup, generator=g).byte()
    about = dict(samples=samples, n_sup=n_sup, seed=seed, inputs='every 40th test input')
    save_tensors(GOLDEN/'answers.safetensors', answers, **about)

@call_parse
def main(
    answers: bool=False,    # The shipped weights' answers alone, after new weights
):
    "Write the golden trace anew."
    torch.set_num_threads(1)
    write_answers()
    if answers: return
    for model in ('gram','rrm'): write_trace(model)
    write_variants()
