"The fast step (compiled, bf16) against the eager and the naive one: the same loss, states and gradients."
from dataclasses import replace

import pytest
import torch
from gram_nb.bench import naive_trainer
from gram_nb.settings import PRESETS
from gram_nb.train import Trainer, compile_step, train_step

CFG = replace(PRESETS['tiny'], problem='nqueens5-board', beta=.1, updates=1000)

def step(**changes):
    "Loss, next state and clipped gradients of one update, and the trainer."
    t = Trainer(replace(CFG, **changes), 'cpu')
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():           # the noise heads start at zero: move them
        for p in t.model.parameters(): p += .02*torch.randn(p.shape, generator=generator)
    compile_step(t, quiet=True)
    loss, *_ = train_step(t)
    return loss, t.batch['h'], torch.cat([p.grad.flatten() for p in t.model.parameters()]), t

@pytest.mark.parametrize('whose', ('last','prior'))
def test_compiled_equals_eager(whose):
    loss, h, g, _ = step(kl_transitions=whose)
    other, k, f, t = step(kl_transitions=whose, compile=True)
    assert t.model._compiled_call_impl is not None and t.compile_seconds > 0
    torch.testing.assert_close(loss, other, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(h, k, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(g, f, rtol=1e-2, atol=1e-4*g.abs().max().item() + 1e-5)

def test_compiling_leaves_no_trace():
    "Generator, gradients and weights are as before, so the run does not depend on it."
    t, u = (Trainer(replace(CFG, compile=c), 'cpu') for c in (True, False))
    compile_step(t, quiet=True)
    assert torch.equal(t.generator.get_state(), u.generator.get_state())
    assert all(p.grad is None or not p.grad.any() for p in t.model.parameters())
    for a,b in zip(t.model.parameters(), u.model.parameters()): assert torch.equal(a, b)

def test_without_a_compiler_the_plain_step_goes_on(monkeypatch, capsys):
    def fails(self, *_, **__): self._compiled_call_impl = lambda *_, **__: 1/0
    monkeypatch.setattr(torch.nn.Module, 'compile', fails)
    t, u = (Trainer(replace(CFG, compile=c), 'cpu') for c in (True, False))
    compile_step(t)
    said = capsys.readouterr().err
    assert said.startswith('compiling …') and 'does not work here' in said
    torch.testing.assert_close(train_step(t), train_step(u))

def test_bf16_points_the_same_way():
    (a, _, g, _), (b, _, f, _) = step(), step(precision='bf16')
    assert abs(a - b) < .05*a
    assert torch.nn.functional.cosine_similarity(g, f, dim=0) > .98

def test_fast_updates_equal_naive_ones():
    fast, naive = Trainer(replace(CFG, compile=True), 'cpu'), naive_trainer(CFG, 'cpu')
    compile_step(fast, quiet=True)
    for _ in range(6):
        torch.testing.assert_close(train_step(fast)[:3], train_step(naive)[:3], rtol=1e-3, atol=1e-4)
