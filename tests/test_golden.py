"The golden trace in data/golden/: twenty updates of the preset `tiny`, and answers of the shipped weights."
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from gram_nb.checkpoints import load_model, load_tensors
from gram_nb.inference import sample
from gram_nb.settings import PRESETS
from gram_nb.train import Trainer, train_step

GOLDEN = Path(__file__).resolve().parents[1]/'data'/'golden'
VARIANTS = json.loads((GOLDEN/'variants.json').read_text(encoding='utf-8'))
ANSWERS = load_tensors(GOLDEN/'answers.safetensors')[0]

@pytest.fixture(autouse=True)
def one_thread():
    "Sums in another order round differently."
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)

def close(a, b, atol=1e-6): torch.testing.assert_close(a, b, rtol=0, atol=atol)

@pytest.mark.parametrize('model', ('gram','rrm'))
def test_twenty_updates(model):
    tensors, meta = load_tensors(GOLDEN/f'{model}.safetensors')
    t = Trainer(replace(PRESETS[meta['preset']], model=model), 'cpu')
    for k,v in t.model.state_dict().items(): close(v, tensors[f'init.{k}'], 0)
    for i,row in enumerate(meta['rows']):
        close(train_step(t), torch.tensor(row))
        for k in 'xy': close(t.batch[k], tensors[k][i].long(), 0)
    for k,v in t.model.state_dict().items(): close(v, tensors[f'last.{k}'])

@pytest.mark.parametrize('model', ('gram','rrm'))
def test_the_trace_stands_on_its_own(model):
    "The updates again from the file alone, as another framework has them: no data, no seeds, no trainer."
    tensors, meta = load_tensors(GOLDEN/f'{model}.safetensors')
    cfg = replace(PRESETS['tiny'], model=model)
    net, _ = cfg.build()
    net.load_state_dict({k[5:]: v for k,v in tensors.items() if k.startswith('init.')})
    noise = tensors.get('noise', torch.zeros(20, cfg.T, cfg.batch, 5, cfg.dim))
    s = meta['optimizer']
    decay = {n: n.split('.')[0] not in s['no_decay'] for n,_ in net.named_parameters()}
    matrices, others = ([p for n,p in net.named_parameters() if decay[n] == d] for d in (True, False))
    groups = [dict(params=matrices, weight_decay=s['weight_decay']), dict(params=others, weight_decay=0.)]
    opt = torch.optim.AdamW(groups, betas=s['betas'], eps=s['eps'])
    for i,row in enumerate(meta['rows']):
        if i % meta['n_sup_train'] == 0: h, l = net.start(cfg.batch)
        x, y = (tensors[k][i].long() for k in 'xy')
        step = net.supervision_loss(h, l, x, y, noise[i], cfg.objective)
        losses = torch.stack([step.loss, step.cross_entropy, step.kl])
        close(losses.detach(), torch.tensor(row[:3]), 2e-6)
        opt.zero_grad(); step.loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), s['clip'])
        close(norm, torch.tensor(row[3]), 2e-5)
        for g in opt.param_groups: g['lr'] = meta['lr'][i]
        opt.step()
        h, l = step.h, step.l

@pytest.mark.parametrize('name', VARIANTS['losses'])
def test_whose_kl_and_how_it_is_summed(name):
    "The loss of eight updates for each choice of transitions and reduction, and in two parts."
    variant = VARIANTS['losses'][name]
    t = Trainer(replace(PRESETS[VARIANTS['preset']], **variant['settings']), 'cpu')
    close(torch.stack([train_step(t)[0] for _ in variant['loss']]), torch.tensor(variant['loss']))

@pytest.mark.parametrize('name', ANSWERS)
def test_answers_of_the_shipped_weights(name):
    meta = load_tensors(GOLDEN/'answers.safetensors')[1]
    model, problem = load_model(name)
    x = problem.parts()['test'].inputs[::40]
    g = torch.Generator().manual_seed(meta['seed'])
    y = sample(model, x, meta['samples'], meta['n_sup'], generator=g)
    assert (y != ANSWERS[name].long()).double().mean() < .002       # a rounded tie may fall the other way
