"`make lab`: JupyterLab opens the notebooks and leaves them as they are."
import time

import browser
import pytest

pytest.importorskip('playwright', reason='no browser test: the package playwright is missing')
if not browser.CHROMIUM: pytest.skip('no browser test: there is no Chromium', allow_module_level=True)

CONFIG = browser.ROOT/'tools'/'lab_config.py'
READY = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
IDLE = "() => /\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent || '')"

def test_a_notebook_that_is_only_opened_is_not_modified(tmp_path):
    options = ('--no-browser', '--ip=127.0.0.1', '--port={port}', f'--IdentityProvider.token={browser.TOKEN}')
    command = ('jupyterlab', *options, '--ServerApp.root_dir={nbs}', '--allow-root', f'--config={CONFIG}')
    name = '01_layers.ipynb'
    with browser.server(tmp_path, *command, ready=f'api/status?token={browser.TOKEN}') as address:
        before = (tmp_path/'nbs'/name).read_bytes()
        with browser.page() as p:
            p.goto(f'{address}/lab/tree/{name}?reset&token={browser.TOKEN}')
            p.wait_for_selector(READY, state='attached', timeout=90_000)
            p.wait_for_function(IDLE, timeout=90_000)
            time.sleep(3)           # the kernel has told about itself
            assert p.locator('.jp-mod-dirty').count() == 0
        assert (tmp_path/'nbs'/name).read_bytes() == before
