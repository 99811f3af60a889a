"JupyterLab and Voilà on this machine's loopback, driven in headless Chromium: used by the browser tests and by `scripts/response_times.py`."
import contextlib, os, shutil, signal, socket, subprocess, sys, time, urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
ARGS = '--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()
TOKEN = 'explorer'

def free_port():
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); return s.getsockname()[1]

@contextlib.contextmanager
def server(folder, *command, ready):
    "Run `command` (with {port} filled in) on a copy of the notebooks in `folder`, beside the results; yields its address."
    nbs, port = Path(folder)/'nbs', free_port()
    if not nbs.exists():
        shutil.copytree(ROOT/'nbs', nbs, ignore=shutil.ignore_patterns('.ipynb_checkpoints')); (Path(folder)/'images').mkdir()
        (Path(folder)/'data').symlink_to(ROOT/'data')                               # the notebooks read results there
    settings = Path(folder)/'settings'/'@jupyterlab'/'apputils-extension'
    settings.mkdir(parents=True, exist_ok=True)
    (settings/'notification.jupyterlab-settings').write_text('{"fetchNews":"false","checkForUpdates":false,"doNotDisturbMode":true}')
    (settings/'themes.jupyterlab-settings').write_text('{"theme":"%s"}' % os.environ.get('LAB_THEME', 'JupyterLab Light'))
    own = {k: str(Path(folder)/k.lower()) for k in ('JUPYTER_CONFIG_DIR','JUPYTER_DATA_DIR','JUPYTER_RUNTIME_DIR','IPYTHONDIR','JUPYTERLAB_WORKSPACES_DIR')}
    env = dict(os.environ, JUPYTERLAB_SETTINGS_DIR=str(Path(folder)/'settings'), **own)
    with open(Path(folder)/'server.log', 'a') as log:
        process = subprocess.Popen([sys.executable, '-m', *(c.format(port=port, nbs=nbs) for c in command)], env=env, stdout=log, stderr=log)
    address = f'http://127.0.0.1:{port}'
    try:
        for _ in range(120):
            try: urllib.request.urlopen(f'{address}/{ready}', timeout=2); break
            except OSError: time.sleep(.5)
        else: raise RuntimeError(f'the server does not answer: see {folder}/server.log')
        yield address
    finally:
        process.send_signal(signal.SIGINT); time.sleep(.3); process.terminate()
        process.wait(20)

def lab(folder):
    return server(folder, 'jupyterlab', '--no-browser', '--ip=127.0.0.1', '--port={port}', '--ServerApp.port_retries=0', f'--IdentityProvider.token={TOKEN}', '--ServerApp.root_dir={nbs}', '--allow-root', ready=f'api/status?token={TOKEN}')

def voila(folder):
    return server(folder, 'voila', '{nbs}', '--no-browser', '--port={port}', '--Voila.ip=127.0.0.1', ready='')

@contextlib.contextmanager
def page(width=1280, height=800):
    "A page of a fresh browser, with its console errors in `page.errors`."
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        one = browser.new_context(viewport=dict(width=width, height=height)).new_page()
        one.errors = []
        one.on('console', lambda m: m.type == 'error' and one.errors.append(m.text))
        one.on('pageerror', lambda e: one.errors.append(str(e)))
        yield one
        browser.close()

def open_and_run(page, address, name, timeout=240):
    "Open a notebook in JupyterLab and run all its cells; its prompts."
    page.goto(f'{address}/lab/tree/{name}?reset&token={TOKEN}')
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', state='attached', timeout=60_000)
    page.wait_for_function("() => { const k = document.querySelector('.jp-Toolbar-kernelName'); return k && !k.textContent.includes('No Kernel') }", timeout=60_000)
    page.wait_for_function("() => /\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent || '')", timeout=60_000)
    page.get_by_role('menuitem', name='Run', exact=True).click()
    page.get_by_text('Run All Cells', exact=True).click()
    page.locator('.explorer-image').first.wait_for(state='attached', timeout=1000*timeout)
    page.wait_for_function("() => /\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent || '')", timeout=1000*timeout)

class Explorer:
    "The explorer as a user finds it on a page."
    def __init__(self, page):
        self.page = page
        page.locator('.explorer-image').first.scroll_into_view_if_needed()
    def picture(self): return self.page.locator('.explorer-image').first.get_attribute('src')
    def status(self): return self.page.locator('.explorer-status').first.inner_text()
    def slider(self, name): return self.page.locator('.widget-slider', has_text=name).get_by_role('slider').first
    def readout(self, name): return self.page.locator('.widget-slider', has_text=name).locator('.widget-readout').first.inner_text()
    def square(self, row, col): return self.page.locator(f'.explorer button[title="row {row}, column {col}"]')
    def bytes(self): return self.page.evaluate("async () => Array.from(new Uint8Array(await (await fetch(document.querySelector('.explorer-image').src)).arrayBuffer()))")
    def wait_change(self, before, timeout=10_000):
        self.page.wait_for_function("b => document.querySelector('.explorer-image').src != b", arg=before, timeout=timeout)
    def settle(self, seconds=.7, limit=30):
        "Wait until picture and status have stood still for a while; the picture's bytes."
        last, since, start = None, time.time(), time.time()
        while time.time() - since < seconds:
            now = (self.picture(), self.status())
            if now != last: last, since = now, time.time()
            if time.time() - start > limit: raise TimeoutError('the explorer does not come to rest')
            time.sleep(.05)
        return bytes(self.bytes())
