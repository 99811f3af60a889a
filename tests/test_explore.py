"The explorer without a browser. Outside an event loop every update is finished at once."
import asyncio, itertools, re

import pytest
import torch
from gram_nb.checkpoints import WEIGHTS, load_heads, load_model, save_heads, save_tensors
from gram_nb.explore import VIEWS, draw_answers, explore, headline, open_explorer, read_puzzle, summary
from gram_nb.halting import Heads
from gram_nb.problems import PROBLEMS, InputError, Problem, Puzzles, register
from gram_nb.settings import TrainConfig

PUZZLE, IMPOSSIBLE = '. . . . . . .Q...... ...Q....', 'Q....... ..Q..... . . . . . .'

class Latin(Problem):
    "A user's own problem, without a board: a 2×2 Latin square."
    name, in_len, out_len, n_symbols, rows = 'mine', 4, 4, 4, 2

    def puzzles(self):
        inputs = torch.tensor(list(itertools.product((1,2,3), repeat=4)))
        squares = torch.tensor([[2,3,3,2], [3,2,2,3]])
        fits = ((inputs[:,None] == 1) | (inputs[:,None] == squares)).all(-1)
        some = fits.any(1)
        owner, which = fits[some].nonzero().T
        return Puzzles(inputs[some], squares[which], owner)

    def valid(self, x, y):
        latin = (y >= 2).all(1) & (y[:,0] == y[:,3]) & (y[:,1] == y[:,2]) & (y[:,0] != y[:,1])
        return latin & ((x == 1) | (x == y)).all(1)

@pytest.fixture
def explorer(tmp_path):
    return open_explorer('nqueens8-rows', puzzle=PUZZLE, folder=tmp_path/'new'/'folder')

@pytest.fixture(params=['gram', 'rrm'])
def own_weights(request, tmp_path):
    "Untrained weights of the user's own problem."
    register('mine', Latin)
    cfg = TrainConfig(problem='mine', model=request.param, dim=16, heads=2, hidden=16, n_sup=3, updates=1)
    model, _ = cfg.build()
    path = tmp_path/'mine.safetensors'
    save_tensors(path, model.state_dict(), config=vars(cfg))
    yield path
    del PROBLEMS['mine']

def words(e): return re.sub('<[^>]*>', '', e.status.value)

def package_files(): return {p: p.stat().st_mtime_ns for p in WEIGHTS.rglob('*')}

def test_opens_shipped_weights_with_their_heads(explorer):
    assert explorer.error is None and explorer.heads is not None
    assert re.search(r'of 6 valid boards found · 100% of 20 trajectories valid', words(explorer))

def test_own_problem_and_weights_open_with_one_call(own_weights, tmp_path):
    before = package_files()
    e = open_explorer(own_weights, folder=tmp_path/'out')
    for view in VIEWS:
        e.view.value = view
        assert e.error is None and words(e).startswith('after step'), (view, e.error)
    e.typed.value = '2 . . .'
    assert e.x.tolist() == [2,1,1,1] and 'of 1 valid answer found' in words(e)
    e.typed.value = '2 2 . .'                       # no puzzle of the list: nobody knows its answers
    assert ' of ' not in words(e).split('·')[0]
    e.view.value = 'Loss surface'
    e.random_puzzle()
    e.save_png()
    e.view.value = 'Answers'
    e.save_gif()
    assert {p.suffix for p in (tmp_path/'out').iterdir()} == {'.png', '.gif'}
    assert package_files() == before

def test_own_heads(own_weights, tmp_path):
    save_heads(tmp_path/'heads.safetensors', Heads(16, 4))
    e = open_explorer(own_weights, tmp_path/'heads.safetensors', folder=tmp_path)
    e.halting.value = 'by halt head'
    e.view.value = 'Over time'
    assert e.error is None and e.ex.halt is not None
    with pytest.raises(InputError, match='do not fit'):
        open_explorer(own_weights, load_heads('nqueens8-rows'))

def test_coloring_has_a_generic_view(tmp_path):
    e = open_explorer('coloring8-vertices', folder=tmp_path)
    for view in VIEWS:
        e.view.value = view
        assert e.error is None, e.error
    assert 'different answers' in words(e) or '1 answer' in words(e)

def test_text_field_follows_the_puzzle(explorer):
    explorer.random_puzzle()
    assert explorer.typed.value != PUZZLE
    explorer.typed.value = PUZZLE                   # the same text as at the start
    assert torch.equal(explorer.x, read_puzzle(explorer.problem, PUZZLE))
    explorer.click(0, 0)
    assert explorer.typed.value.startswith('Q.......')
    explorer.typed.value = 'nonsense'
    assert 'the board has 1 rows, not 8' in words(explorer)

def test_view_says_what_it_cannot_draw(explorer):
    explorer.typed.value = IMPOSSIBLE
    assert words(explorer).count('different boards') + words(explorer).count('1 board') == 1
    for view in ('KL', 'Loss surface'):
        explorer.view.value = view
        assert explorer.why_not(view).startswith('No valid answer exists')
        assert words(explorer).startswith('after step')

def test_controls_without_effect_are_disabled(explorer):
    explorer.view.value = 'KL'
    without = ('scale', 'fading', 'samples', 'mechanism', 'halting', 'step', 'play', 'gif_button')
    assert all(getattr(explorer, w).disabled for w in without) and not explorer.answer.disabled
    explorer.view.value = 'Answers'
    assert not any(getattr(explorer, w).disabled for w in without) and explorer.answer.disabled

def test_fading_noise(explorer):
    explorer.scale.value = 2.
    few = explorer.ex.valid[-1].sum()
    explorer.fading.value = True
    how = dict(scale=(2., 0.), precision=explorer.precision, halting=explorer.rule())
    assert torch.equal(explorer.ex.y, explore(explorer.model, explorer.problem, explorer.x, **how).y)
    assert explorer.ex.valid[-1].sum() > few

def test_background_errors_reach_the_status_line(explorer, tmp_path, monkeypatch):
    def broken(step): raise RuntimeError('no ink')
    explorer.draw = broken
    explorer.save_gif()
    assert 'RuntimeError: no ink' in words(explorer)
    monkeypatch.setattr(type(explorer.model), 'decode', lambda self, h: 1/0)
    explorer.seed.value = 5
    assert 'ZeroDivisionError' in words(explorer) and '…' not in words(explorer)
    monkeypatch.undo()
    explorer.seed.value = 6                         # and it recovers
    assert words(explorer).startswith('after step')
    (tmp_path/'a file').write_text('')
    explorer.folder = tmp_path/'a file'/'below'
    explorer.heard(explorer.save_png)()
    assert 'Error' in words(explorer)

def test_newer_events_replace_older_ones(explorer):
    "In an event loop: thirty quick changes, one result, and progress on the way."
    async def play():
        explorer.halting.value = 'never'
        for i in range(30):
            explorer.scale.value = .05*i
            await asyncio.sleep(.001)
        await explorer.task
    asyncio.run(play())
    assert explorer.error is None and words(explorer).startswith('after step 16')
    model, problem = load_model('nqueens8-rows')
    same = explore(model, problem, explorer.x, scale=.05*29, precision=explorer.precision)
    assert torch.equal(explorer.ex.y, same.y)

def test_progress_and_placeholder(explorer):
    "Work over 200 ms says so, and the old picture does not stay under the new tab."
    seen = []
    explorer.status.observe(lambda _: seen.append((words(explorer), explorer.image.value)), 'value')
    before = explorer.image.value
    def view(name):
        seen.clear()
        explorer.view.value = name
        return [(text, image) for text,image in seen if '…' in text]
    for name,work in (('Loss surface', 'loss surface'), ('KL', 'KL')):
        explorer.steps.value = 64
        progress = view(name)
        assert len(progress) > 1 and progress[0][0].startswith(work)
        assert progress[-1][1] != before            # a notice by now
        before = explorer.image.value
    explorer.view.value = 'Answers'
    seen.clear()
    explorer.save_gif()
    assert any('saving GIF … ' in text for text,_ in seen) and words(explorer).startswith('saved')

def test_headlines_fit():
    "Every text of a picture lies inside it, also on an empty board with many boards found."
    model, problem = load_model('nqueens8-rows')
    ex = explore(model, problem, read_puzzle(problem, '. . . . . . . .'), samples=100, steps=3)
    for step in (0, 2):
        fig = draw_answers(ex, step)
        assert all(t.get_window_extent().x1 <= fig.bbox.x1 for t in fig.texts)
    assert 'of 92 valid boards' in headline(summary(ex))
