"The explorer in a real JupyterLab and in Voilà: keyboard, clicks on the board, steps in time, every width."
import os, re
from pathlib import Path

import pytest

pytest.importorskip('playwright', reason='no browser test: playwright is missing (pip install playwright)')
from browser import CHROMIUM, Explorer, lab, open_and_run, page, voila
from gram_nb.checkpoints import RUNS

if not CHROMIUM:
    why = 'no browser test: there is no Chromium (Debian: apt-get install chromium)'
    pytest.skip(why, allow_module_level=True)

APP, SHOTS = '25_app.ipynb', os.environ.get('SHOTS')

def look(page, name):
    "Keep a screenshot to look at, when SHOTS names a folder."
    if SHOTS: page.screenshot(path=Path(SHOTS)/f'{name}.png')

def boards(e): return int(re.search(r'(\d+) different boards', e.status())[1])

def move_noise(p, e, name):
    trained = e.settle()
    look(p, f'{name}-start')
    assert boards(e) > 1 and e.readout('noise scale') == '1.00'
    assert e.press('noise scale', 'Home') != trained            # to 0: one trajectory is left
    assert e.readout('noise scale') == '0.00'
    assert '1 board' in e.status() and '1 different' not in e.status()
    assert e.press('noise scale', *['ArrowRight']*20) == trained    # back to 1, fast: no stale work is left
    assert e.readout('noise scale') == '1.00'
    e.press('noise scale', 'End')
    look(p, f'{name}-noise-3')
    assert e.readout('noise scale') == '3.00' and boards(e) > 10
    assert e.press('noise scale', *['ArrowLeft']*40) == trained
    return trained

def move_in_time(e, trained):
    assert e.press('at step', 'Home') != trained                # the first step, then play on
    assert 'after step 1:' in e.status()
    e.button('play or pause').click()
    e.wait_status('after step ([5-9]|1[0-6]):')
    e.button('play or pause').click()
    e.settle()
    assert e.press('at step', 'Home', 'End') == trained

def change_views(p, e, trained, name):
    for view in ('Over time', 'Loss surface', 'KL'):
        assert e.after(e.button(view).click) != trained
        look(p, f'{name}-{view.replace(" ", "-").lower()}')
    assert e.slider('noise scale').get_attribute('tabindex') == '-1'    # disabled: it has no effect on the KL
    assert e.after(e.button('Answers').click) == trained

def change_puzzle(e, trained):
    text = e.text().input_value()
    e.after(e.square(1, 1).click)                               # a third queen
    assert e.square(1, 1).inner_text() == '♛' and re.search(r'of \d+ valid board', e.status())
    assert e.after(e.square(1, 1).click) == trained and not e.square(1, 1).inner_text().strip()
    e.after(e.square(8, 2).click)                   # moves the queen of row 8: now two share a column
    assert 'attack one another' in e.status() and 'no valid board exists' in e.status()
    e.text().fill('Q....... Q....... . . . . . .')
    e.text().press('Enter')
    e.wait_status('rows 1 and 2 attack one another')
    assert e.after(e.button('Random puzzle').click) != trained
    assert e.text().input_value() != text                       # the text field follows the puzzle
    e.text().fill(text)
    assert e.after(lambda: e.text().press('Enter')) == trained

def save(e):
    for kind in ('PNG', 'GIF'):
        e.button(f'Save {kind}').click()
        e.wait_status(f'saved .*{kind.lower()}', timeout=120_000)
        path = Path(e.status().removeprefix('saved ').strip())
        assert path.is_file() and path.parent == RUNS/'explorer'
        path.unlink()

def play_with(p, name):
    "What a user does, the same in JupyterLab and in Voilà."
    e = Explorer(p)
    trained = move_noise(p, e, name)
    move_in_time(e, trained)
    change_views(p, e, trained, name)
    change_puzzle(e, trained)
    save(e)

def harmless(error):
    "Not ours: a missing icon, fonts from a network that is not there, other packages' lab extensions."
    network = ('ERR_NAME_NOT_RESOLVED', 'ERR_INTERNET_DISCONNECTED')
    return any(w in error for w in ('favicon', '404', '/labextensions/', *network))

def check_errors(p):
    assert not [e for e in p.errors if not harmless(e)], p.errors
    assert p.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts() == []

def test_explorer_in_jupyterlab(tmp_path):
    with lab(tmp_path) as address, page() as p:
        open_and_run(p, address, APP)
        play_with(p, 'lab')
        check_errors(p)

def test_explorer_in_voila(tmp_path):
    pytest.importorskip('voila', reason='no app test: the package voila is missing')
    with voila(tmp_path, APP) as address, page(1920, 1080) as p:
        p.goto(address, timeout=240_000)
        p.locator('.explorer-image').first.wait_for(timeout=240_000)
        assert p.locator('.explorer').bounding_box()['y'] < 300         # nothing long stands above it
        play_with(p, 'voila')
        check_errors(p)

def cut_off(p):
    "Readouts, labels and drop-downs with more text than room; 'explorer' if it is wider than its place."
    return p.evaluate('''() => {
        const all = what => [...document.querySelectorAll('.explorer ' + what)].filter(w => w.offsetParent);
        const overflows = w => w.scrollWidth > w.clientWidth + 1;
        const wide = all('.widget-readout, .widget-label, button, .explorer-status').filter(overflows);
        const pen = document.createElement('canvas').getContext('2d');
        for (const s of all('select')) {
            const style = getComputedStyle(s);
            pen.font = style.font;
            const room = s.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
            if ([...s.options].some(o => pen.measureText(o.text).width > room)) wide.push(s);
        }
        const e = document.querySelector('.explorer');
        return wide.map(w => w.textContent).concat(overflows(e) ? ['explorer'] : []);
    }''')

def test_layout_flows(tmp_path):
    "From 900 to 1920 pixels nothing is cut off, and the picture takes the room there is."
    widths = {}
    with lab(tmp_path) as address:
        for width, height in ((900, 800), (1280, 800), (1920, 1080)):
            with page(width, height) as p:
                open_and_run(p, address, APP)
                e = Explorer(p)
                e.settle()
                look(p, f'{width}-answers')
                e.after(e.button('Over time').click)
                look(p, f'{width}-over-time')
                assert cut_off(p) == [], width
                widths[width] = p.locator('.explorer-image').first.bounding_box()['width']
    assert widths[900] > 440 and widths[1280] > 480 and widths[1920] > 900, widths

SQUARES_BY_TAB = """() =>
    [...document.querySelectorAll('.explorer-square')].filter(w => w.tabIndex >= 0).length"""

def test_keyboard(tmp_path):
    "The board is one tab stop with arrow keys inside; sliders and picture have names."
    with lab(tmp_path) as address, page() as p:
        open_and_run(p, address, APP)
        e = Explorer(p)
        e.settle()
        assert p.evaluate(SQUARES_BY_TAB) == 1
        e.square(1, 1).focus()
        for key in ('ArrowDown', 'ArrowRight', 'ArrowRight', 'ArrowLeft'): p.keyboard.press(key)
        assert p.evaluate('document.activeElement.title') == 'row 2, column 2'
        e.after(lambda: p.keyboard.press('Enter'))
        assert e.square(2, 2).inner_text() == '♛'
        assert p.evaluate('document.activeElement.title') == 'row 2, column 2'
        assert p.get_by_role('button', name='row 2, column 2, queen').count() == 1
        for name in ('noise scale', 'trajectories', 'steps', 'seed', 'KL towards', 'at step'):
            assert p.get_by_role('slider', name=name, exact=True).count() == 1, name
        assert p.get_by_role('img', name=re.compile('after step')).count() == 1
        for name in ('guidance', 'stop', 'puzzle'):
            assert p.get_by_label(name, exact=True).count() == 1, name
        check_errors(p)

def test_long_work_shows_itself(tmp_path):
    "A view that takes a while says so at once, instead of leaving the old picture under the new tab."
    with lab(tmp_path) as address, page() as p:
        open_and_run(p, address, APP)
        e = Explorer(p)
        e.settle()
        e.after(lambda: e.choose('stop', 'never'))
        answers = e.picture()
        e.slider('steps').focus()
        p.keyboard.press('End')                                 # 64 steps
        e.wait_status(r'thinking … \d+%')
        e.settle()
        for view, work in (('Loss surface', 'loss surface'), ('KL', 'KL')):
            before = e.picture()
            e.button(view).click()
            e.wait_status(work + r' … \d+%')
            e.wait_change(before)                               # to the picture that says: computing
            assert '…' in e.status()
            e.settle()
        assert e.picture() != answers
        check_errors(p)
