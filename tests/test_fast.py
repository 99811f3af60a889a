"The fast step (compiled, bf16) against the straightforward one (eager, float32): the same loss, states and gradients."
from dataclasses import replace

import pytest
import torch
from gram_nb.train import PRESETS, Trainer, next_round

CFG = replace(PRESETS['tiny'], problem='nqueens5-board', beta=.1)

def step(charge='last', **changes):
    "Loss, next state and gradients of one supervision step in the middle of a run."
    t = Trainer(replace(CFG, charge=charge, **changes), 'cpu')
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in t.model.parameters(): p += .02*torch.randn(p.shape, generator=generator)      # the noise heads start at zero: move them
    next_round(t)
    loss, h, *_ = t.step(t.h, t.l, *t.now, torch.randn(CFG.T, *t.h.shape, generator=generator))
    loss.backward()
    assert t.step.run is not None
    return loss.detach(), h, torch.cat([p.grad.flatten() for p in t.model.parameters()])

@pytest.mark.parametrize('charge', ('last','prior'))
def test_compiled_equals_eager(charge):
    (a, h, g), (b, k, f) = step(charge), step(charge, compile=True)
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(h, k, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(g, f, rtol=1e-2, atol=1e-4*g.abs().max().item() + 1e-5)

def test_bf16_points_the_same_way():
    (a, _, g), (b, _, f) = step(), step(precision='bf16')
    assert abs(a - b) < .05*a
    assert torch.nn.functional.cosine_similarity(g, f, dim=0) > .98

def test_fast_updates_equal_plain_ones():
    from gram_nb.plain import PlainTrainer, plain_step
    from gram_nb.train import train_step
    fast, plain = Trainer(replace(CFG, compile=True), 'cpu'), PlainTrainer(CFG, 'cpu')
    for _ in range(6): torch.testing.assert_close(train_step(fast)[:3], torch.tensor(plain_step(plain)), rtol=1e-3, atol=1e-4)
