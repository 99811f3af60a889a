"""The static explorer, opened from the file system in Chromium: is it the model of Python, does it answer,
click by click and key by key? Skipped without onnx, npm or Chromium."""
import base64, copy, os, re, shutil, subprocess, sys
from pathlib import Path

import pytest
import torch

for name in ('onnx', 'onnxscript', 'playwright'):
    pytest.importorskip(name, reason=f'no test of the static explorer: {name} is missing (make app-static)')
from browser import ARGS, CHROMIUM
from gram_nb.checkpoints import load_model
from gram_nb.guidance import noise_scales
from gram_nb.inference import tally

missing = [name for name, there in (('Chromium', CHROMIUM), ('npm', shutil.which('npm'))) if not there]
if missing:
    why = f'no test of the static explorer: {" and ".join(missing)} is missing'
    pytest.skip(why, allow_module_level=True)

ROOT, CORNER = Path(__file__).resolve().parents[1], [0] + 7*[-1]

@pytest.fixture(scope='module')
def address(tmp_path_factory):
    "The page, built anew."
    out = tmp_path_factory.mktemp('app with a space')
    command = [sys.executable, ROOT/'tools'/'app_static.py', '--out', out]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | dict(OMP_NUM_THREADS='1'))
    if 'npm could not fetch' in done.stderr: pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return (out/'index.html').as_uri()

@pytest.fixture(scope='module')
def browser():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()

@pytest.fixture(scope='module')
def tab(browser, address):
    "The page with its first answer; `asked` for what, and with which `errors`."
    page = browser.new_page()
    page.asked, page.errors = [], []
    page.on('request', lambda r: page.asked.append(r.url))
    page.on('console', lambda m: m.type in ('error', 'warning') and page.errors.append(m.text))
    page.on('pageerror', lambda e: page.errors.append(str(e)))
    page.goto(address)
    settle(page)
    return page

RESET = """() => {
    for (const e of document.querySelectorAll('input')) { e.value = e.defaultValue; e.checked = false; }
    $('example').value = '1.......';
    $('example').onchange();
}"""

@pytest.fixture
def page(tab):
    "The page as it was in the beginning; it has asked for nothing outside and not complained in the end."
    tab.set_viewport_size(dict(width=1280, height=800))
    tab.evaluate(RESET)
    settle(tab)
    yield tab
    assert {u.split(':')[0] for u in tab.asked} <= {'file', 'data', 'blob'} and len(tab.asked) > 5
    assert not tab.errors

def settle(page): page.wait_for_selector('main[aria-busy=false]', timeout=60_000)

def found(page):
    "Settled headline and boards."
    settle(page)
    return page.inner_text('#status'), page.locator('#found').inner_html()

def square(page, row, col):
    return page.get_by_role('button', name=f'queen in row {row}, column {col}', exact=True)

def slide(page, name, *keys):
    page.get_by_role('slider', name=name, exact=True).focus()
    for k in keys: page.keyboard.press(k)
    return found(page)

# ---- the model

def halved(model):
    "The model with the page's weights."
    model = copy.deepcopy(model)
    for p in model.parameters(): p.data = p.data.half().float()
    return model

@torch.no_grad()
def in_python(model, x, noise):
    "Logits after each transition."
    (h, l), e, logits = model.start(noise.shape[1]), model.encode(x.expand(noise.shape[1], -1)), []
    for n in noise:
        h, l, *_ = model.transition(h, l, e, n)
        logits.append(model.decode(h))
    return torch.stack(logits)

IN_PAGE = '''async ({text, transitions, trajectories, puzzle, scale}) => {
    const g = window.gram, x = g.tokens(puzzle), all = [];
    const noise = new Float32Array(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
    let s = g.start(trajectories);
    for (let t = 0; t < transitions; t++) {
        const size = noise.length/transitions;
        s = await g.transition(s.h, s.l, x, noise.slice(t*size, (t+1)*size), scale);
        all.push(Array.from(s.logits));
    }
    return {logits: all, boards: g.boards(s.logits), tally: g.tally(puzzle, g.boards(s.logits))};
}'''

def in_page(page, puzzle, noise, scale=1.):
    text = base64.b64encode(noise.numpy().tobytes()).decode()
    return page.evaluate(IN_PAGE, dict(text=text, transitions=noise.shape[0], trajectories=noise.shape[1],
                                       puzzle=puzzle, scale=scale))

def test_same_noise_same_boards(page):
    "Eight supervision steps agree with Python to 1e-3; the boards are those of the shipped weights too."
    model, problem = load_model('nqueens8-rows')
    x = problem.encode(torch.tensor(CORNER))[None]
    noise = torch.randn(16, 12, 8, model.cfg.dim, generator=torch.Generator().manual_seed(1))
    here, page_says = in_python(halved(model), x, noise), in_page(page, CORNER, noise)
    there = torch.tensor(page_says['logits']).view(here.shape)
    assert (here - there).abs().max() < 1e-3
    boards = problem.decode(here[-1].argmax(-1))
    assert boards.tolist() == page_says['boards']
    whole = problem.decode(in_python(model, x, noise)[-1].argmax(-1))
    assert (whole == boards).all(-1).float().mean() > .9            # full precision
    y, counts = tally(here[-1].argmax(-1))
    each = problem.decode(y), counts, problem.valid(x.expand(len(y), -1), y)
    said = {tuple(t['board']): (t['count'], t['valid']) for t in page_says['tally']}
    assert said == {tuple(b): (n, v) for b,n,v in zip(*(v.tolist() for v in each))}
    scaled, by_hand = in_page(page, CORNER, noise[:3], 2.), in_page(page, CORNER, 2*noise[:3])
    torch.testing.assert_close(torch.tensor(scaled['logits']), torch.tensor(by_hand['logits']))

def test_rules_scales_and_noise(page):
    "Solutions, the scale's fading and the normal numbers are what they should be."
    for puzzle, n in ((8*[-1], 92), (CORNER, 4), ([0, -1, -1, 1] + 4*[-1], 0)):
        assert page.evaluate('p => window.gram.completions(p).length', puzzle) == n
    for steps in (1, 2, 16):
        for fading in (True, False):
            scales = page.evaluate('([s, f, n]) => window.gram.noiseScales(s, f, n)', [1.5, fading, steps])
            assert scales == pytest.approx(noise_scales((1.5, 0) if fading else 1.5, steps))
    v = torch.tensor(page.evaluate('''[0, 0, 1].map((seed, i) => {
        const values = new Float32Array(20000);
        window.gram.fillNormal(values, window.gram.generator(seed, i));
        return Array.from(values);
    })'''))
    assert v.mean(1).abs().max() < .03 and (v.std(1) - 1).abs().max() < .03
    assert (v.pow(4).mean(1) - 3).abs().max() < .2
    assert (torch.corrcoef(v) - torch.eye(3)).abs().max() < .03        # streams are independent

# ---- the page

def test_first_answer_and_sliders(page):
    first = found(page)
    assert re.fullmatch(r'\d of 4 valid boards found', first[0])
    assert '(ceiling 100%)' in page.inner_text('#details')
    slide(page, 'noise scale', 'Home')
    assert '1 board in 20 trajectories' in page.inner_text('#details')      # without noise all are the same
    assert slide(page, 'noise scale', *20*['ArrowRight']) == first          # fast: no old work is left
    slide(page, 'noise scale', 'End')
    assert page.locator('#found .wrong').count() and 'Not valid' in page.inner_text('#found')
    red = page.locator('#found .wrong').count()
    page.get_by_label('fading').check()
    settle(page)
    assert page.locator('#found .wrong').count() < red/2        # the noise that breaks boards is gone
    page.get_by_label('fading').uncheck()
    slide(page, 'noise scale', 'Home', *20*['ArrowRight'])
    assert slide(page, 'seed', 'ArrowRight') != first
    assert slide(page, 'seed', 'ArrowLeft') == first
    slide(page, 'steps', 'Home')
    assert page.get_by_role('slider', name='at step').get_attribute('max') == '1'

def test_empty_board_and_steps(page):
    page.get_by_role('button', name='Clear').click()
    last = found(page)
    assert re.fullmatch(r'\d+ of 92 valid boards found', last[0])
    belief = page.locator('#belief').inner_html()
    assert slide(page, 'at step', 'Home') != last and page.locator('#belief').inner_html() != belief
    assert slide(page, 'at step', 'End') == last and page.locator('#belief').inner_html() == belief

def test_click(page):
    before = found(page)
    square(page, 2, 5).click()
    after = found(page)
    assert after != before and '1 valid' not in before[0]
    assert square(page, 2, 5).get_attribute('aria-pressed') == 'true'
    square(page, 2, 5).click()
    assert found(page) == before

def test_keyboard(page):
    "The board is one tab stop; arrow keys move, space and enter place and remove."
    before = found(page)
    assert page.locator('#board button[tabindex="0"]').count() == 1
    square(page, 1, 1).focus()
    for key in ('ArrowDown', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'ArrowRight', 'End', 'Home', 'ArrowRight'):
        page.keyboard.press(key)
    assert page.evaluate('document.activeElement.ariaLabel') == 'queen in row 2, column 2'
    page.keyboard.press('Space')
    assert 'attack' in found(page)[0]
    page.keyboard.press('Enter')
    assert found(page) == before
    page.keyboard.press('Tab')
    assert page.evaluate('document.activeElement.id') == 'example'

def test_impossible_puzzles_say_so(page):
    page.get_by_label('example').select_option('no answer')
    assert found(page)[0] == 'No valid board exists for these queens'
    square(page, 2, 2).click()
    assert found(page)[0] == 'The queens in rows 1, 2, 4 attack one another: no valid board exists'
    assert page.locator('#board .wrong').count() == 3

def test_new_input_cancels(page):
    slide(page, 'trajectories', 'End')
    page.get_by_role('slider', name='steps', exact=True).focus()
    page.keyboard.press('End')                              # much work
    page.keyboard.press('Home')                             # and little
    settle(page)
    assert '100 trajectories' in page.inner_text('#details')
    assert page.evaluate('trail.length') == 1

def test_names_and_widths(page):
    "Every control has a name; nothing is wider than the page, from phones to large screens."
    names = '''() => [...document.querySelectorAll('input, select, button, progress')]
        .filter(e => !e.ariaLabel && !e.labels?.length && !e.textContent.trim()).length'''
    assert page.evaluate(names) == 0
    page.get_by_text('Help').click()
    for width in (360, 700, 900, 1200, 1920):
        page.set_viewport_size(dict(width=width, height=800))
        wide = '''() => [...document.querySelectorAll('body, body *')].filter(e => e.clientWidth
            && e.scrollWidth > e.clientWidth + 1 && !e.matches('svg, svg *, input')).map(e => e.outerHTML)'''
        assert page.evaluate('document.documentElement.scrollWidth') <= width
        assert page.evaluate(wide) == [], width
