"The explorer in a real JupyterLab and in Voilà: sliders by keyboard, clicks on the board, steps in time."
import re, sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]/'scripts'))
import browser
from browser import Explorer, lab, open_and_run, page, voila

pytest.importorskip('playwright', reason='no browser test: the package playwright is missing (pip install playwright)')
if not browser.CHROMIUM: pytest.skip('no browser test: there is no Chromium (Debian: apt-get install chromium)', allow_module_level=True)

SHOTS = Path(browser.os.environ.get('SHOTS', '')) if browser.os.environ.get('SHOTS') else None

def look(page, name):
    "Keep a screenshot to look at, when SHOTS names a folder."
    if SHOTS: SHOTS.mkdir(parents=True, exist_ok=True); page.screenshot(path=SHOTS/f'{name}.png')

def boards(e): return int(re.search(r'(\d+) different boards', e.status())[1])

def play_with(p, name):
    "What a user does, the same in JupyterLab and in Voilà."
    e = Explorer(p)
    trained = e.settle(); look(p, f'{name}-start')
    assert boards(e) > 1 and e.readout('noise scale') == '1.00'

    e.slider('noise scale').focus(); p.keyboard.press('Home')                       # to 0: one trajectory is left
    still = e.settle(); look(p, f'{name}-noise-0')
    assert e.readout('noise scale') == '0.00' and still != trained
    assert boards(e) == 1
    for _ in range(20): p.keyboard.press('ArrowRight')                              # back to 1, fast: no stale work is left over
    assert e.settle() == trained and e.readout('noise scale') == '1.00'
    p.keyboard.press('End'); e.settle(); look(p, f'{name}-noise-3')
    assert e.readout('noise scale') == '3.00' and boards(e) > 10
    for _ in range(40): p.keyboard.press('ArrowLeft')
    assert e.settle() == trained

    e.slider('at step').focus(); p.keyboard.press('Home')                           # the first step, then play on
    first = e.settle()
    assert 'after step 1:' in e.status() and first != trained
    p.locator('.widget-play button').first.click()
    p.wait_for_function("() => /after step (9|1[0-6]):/.test(document.querySelector('.explorer-status').innerText)", timeout=30_000)
    p.locator('.widget-play button').first.click(); e.settle()
    e.slider('at step').focus(); p.keyboard.press('End')
    assert e.settle() == trained

    for view in ('Over time', 'Loss surface', 'KL'):
        p.get_by_role('button', name=view, exact=True).click()
        assert e.settle() != trained; look(p, f'{name}-{view.replace(" ", "-").lower()}')
    p.get_by_role('button', name='Answers', exact=True).click()
    assert e.settle() == trained

    e.square(1, 1).click()                                                          # a third queen
    e.settle(); look(p, f'{name}-clicked')
    assert e.square(1, 1).inner_text() == '♛' and re.search(r'of 1 solution', e.status())
    e.square(1, 1).click()
    assert e.settle() == trained and not e.square(1, 1).inner_text().strip()
    e.square(8, 2).click()                                                          # moves the queen of row 8: now two share a column
    e.settle(); look(p, f'{name}-attack')
    assert 'attack one another' in e.status() and 'no solution exists' in e.status()

    box = p.locator('.explorer input[type=text]').last
    box.fill('Q....... Q....... . . . . . .'); box.press('Enter'); e.settle()
    assert 'attack one another' in e.status()
    box.fill('. . . . . . .Q...... ...Q....'); box.press('Enter')
    assert e.settle() == trained
    p.get_by_role('button', name='Save PNG').click(); e.settle()
    assert 'saved' in e.status()

def harmless(error):
    "Not ours: a missing icon, fonts from a network that is not there, other packages' lab extensions."
    return any(w in error for w in ('favicon', '404', 'ERR_NAME_NOT_RESOLVED', 'ERR_INTERNET_DISCONNECTED', '/labextensions/'))

def test_explorer_in_jupyterlab(tmp_path):
    with lab(tmp_path) as address, page() as p:
        open_and_run(p, address, '10_explore.ipynb')
        play_with(p, 'lab')
        assert not [e for e in p.errors if not harmless(e)], p.errors
        assert p.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts() == []
        assert list((tmp_path/'images').glob('explorer-*.png'))

def test_explorer_in_voila(tmp_path):
    pytest.importorskip('voila', reason='no app test: the package voila is missing')
    with voila(tmp_path) as address, page(1920, 1080) as p:
        p.goto(f'{address}/voila/render/10_explore.ipynb', timeout=240_000)
        p.locator('.explorer-image').first.wait_for(timeout=240_000)
        play_with(p, 'voila')
        assert not [e for e in p.errors if not harmless(e)], p.errors
