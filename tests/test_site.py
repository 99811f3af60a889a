"The site: built once, from the committed outputs."
import functools, http.server, importlib.util, json, re, shutil, sys, threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT/'tools'))
import make_site

@pytest.fixture(scope='module')
def site(tmp_path_factory):
    for name in ('myst_nb', 'sphinx_book_theme'):
        if not importlib.util.find_spec(name): pytest.skip(f'{name} is missing: make site installs it')
    folder = tmp_path_factory.mktemp('site')
    try: make_site.mathjax(folder/'mathjax')
    except SystemExit as e: pytest.skip(str(e))
    assert make_site.build(folder/'_site', folder/'work') == 0, 'Sphinx warns'
    return folder/'_site'

def text(site, name): return (site/f'{name}.html').read_text(encoding='utf-8')

def visible(page: str) -> str:
    "The page's text."
    return re.sub(r'<[^>]+>', '', page)

def sources(name) -> list:
    cells = json.loads((ROOT/'nbs'/f'{name}.ipynb').read_text(encoding='utf-8'))['cells']
    return [''.join(c['source']) for c in cells if c['cell_type'] == 'code']

NOTEBOOKS = sorted(p.stem for p in (ROOT/'nbs').glob('*.ipynb'))

def test_nothing_is_broken_or_comes_from_elsewhere(site):
    assert make_site.faults(site) == []

def test_the_checker_finds_what_is_wrong(tmp_path):
    links = '<p id="here"><a href="b.html">b</a><a href="#there">c</a><a href="#here">d</a></p>'
    links += f'<a href="{make_site.REPOSITORY}/blob/main/nothing.md">e</a>'
    loads = '<script src="https://cdn.example/x.js"></script><img src="//example/x.png">'
    (tmp_path/'a.html').write_text(links + loads)
    (tmp_path/'a.css').write_text('@font-face { src: url(https://fonts.example/f.woff) }')
    assert len(make_site.faults(tmp_path)) == 6

def test_every_notebook_is_a_page_and_no_directive_is_left(site):
    for name in NOTEBOOKS: assert '#|' not in visible(text(site, name)), name

def test_next_follows_the_course(site):
    "From the first page on, `next` leads through every notebook, in the order of the index, to the modules."
    seen, name = [], 'index'
    while name and not name.startswith('api/'):
        seen.append(name)
        after = re.search(r'<a class="right-next"\s+href="([^"]+)\.html"', text(site, name))
        name = after and after[1]
    assert sorted(seen) == NOTEBOOKS and name == 'api/index'
    course = text(site, 'index').split('The course')[-1]
    listed = [n for n in re.findall(r'href="(\w+)\.html"', course) if n in seen]
    listed = list(dict.fromkeys(listed))
    assert listed == [n for n in seen if n in listed]

def test_code_that_is_hidden_folded_and_shown(site):
    hidden = [(n, s) for n in NOTEBOOKS for s in sources(n) if s.startswith('#| hide')]
    for name,source in hidden:
        line = max(source.splitlines()[1:], key=len).strip()
        assert line not in visible(text(site, name)).replace('&#39;', "'").replace('&gt;', '>'), name
    page = visible(text(site, '03_guidance'))
    assert 'class GRAM(RRM):' in page and 'default_exp' not in page
    folded = re.findall(r'<details class="[^"]*hide.*?</details>', text(site, '03_guidance'), re.S)
    assert any('import torch' in visible(f) for f in folded)

def test_links_out_of_the_notebooks_lead_to_the_repository(site):
    page = text(site, 'index')
    assert f'href="{make_site.REPOSITORY}/tree/main/data"' in page
    assert f'href="{make_site.REPOSITORY}/blob/main/DEVIATIONS.md"' in page

def test_a_module_page_has_comments_and_docstrings(site):
    page = visible(text(site, 'api/gram_nb.guidance'))
    assert 'standard normal, as `h`; without, ε is the mean' in page     # a comment beside an argument
    assert 'One transition, h ← u + ε (Eq. 7–9).' in page
    modules = {p.stem for p in (site/'api').glob('gram_nb*.html')}
    assert {'gram_nb.problems', 'gram_nb.problems.queens', 'gram_nb.train', 'gram_nb.cli'} <= modules

@pytest.mark.skipif(not shutil.which('chromium'), reason='there is no Chromium')
def test_formulas_and_search_work_offline(site):
    from browser import page as browser_page
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    local = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    with local as server, browser_page(width=400) as page:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f'http://127.0.0.1:{server.server_port}'
        asked = []
        page.on('request', lambda r: asked.append(r.url))
        page.goto(f'{address}/04_elbo.html')
        page.locator('mjx-container svg').first.wait_for()
        assert page.evaluate('document.documentElement.scrollWidth') <= 400
        page.goto(f'{address}/search.html?q=reparameterization')
        page.locator('#search-results li a').first.wait_for()
        server.shutdown()
        assert not page.errors and not [u for u in asked if not u.startswith((address, 'data:'))]
