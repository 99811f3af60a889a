"Rivals of GRAM (notebook 66) in a run: their states survive a stop, and every command takes them."
from dataclasses import replace

import pytest
import refused
import torch
from gram_nb.problems import InputError
from gram_nb.settings import MODELS, TrainConfig, get_preset
from gram_nb.train import Trainer, keep_rows, restore_state, save_state, train_step

TINY = get_preset('tiny', updates=8)

def weights_after(t: Trainer, updates: int) -> torch.Tensor:
    keep_rows(t, [train_step(t) for _ in range(updates)])
    return torch.cat([p.flatten() for p in t.ema.parameters()])

@pytest.mark.parametrize('model', MODELS)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(model, tmp_path):
    cfg: TrainConfig = replace(TINY, model=model)
    whole = weights_after(Trainer(cfg, 'cpu'), 6)
    t = Trainer(cfg, 'cpu')
    weights_after(t, 3)                     # amid the supervision steps of a batch
    save_state(t, tmp_path)
    again = Trainer(cfg, 'cpu')
    restore_state(again, tmp_path)
    torch.testing.assert_close(weights_after(again, 3), whole, rtol=0, atol=0)

@pytest.mark.parametrize('model', ('ar', 'mdlm', 'flow', 'winner'))
def test_a_rival_is_trained_and_evaluated_by_the_commands(model, tmp_path):
    out = str(tmp_path/model)
    command = ['gram_train', '--preset', 'tiny', '--updates', '4', '--set', f'model={model}', '--out', out]
    assert refused.answer(command)[0] == 0
    assert 'coverage@20' in refused.answer(['gram_eval', '--weights', f'{out}/best.safetensors'])[1]

def test_one_state():
    "K = 0 has one network and one state: the low-level state is never used."
    cfg = TrainConfig(K=0, blocks=4, dim=32, hidden=32, minutes=1.)
    model, problem = cfg.build()
    x = problem.parts()['train'].inputs[:3]
    (h, l), e = model.start(3), model.encode(x)
    u, same = model.propose(h, l, e)
    assert model.f_L is None and same is l
    assert torch.equal(u, model.f_H(h + e)) and torch.equal(u, model.propose(h, l + 1, e)[0])
    with pytest.raises(InputError, match='trm needs K > 0'): replace(cfg, model='trm')
