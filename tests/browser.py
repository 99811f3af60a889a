"JupyterLab and Voilà on this machine's loopback, driven in headless Chromium."
import contextlib, os, shutil, signal, socket, subprocess, sys, time, urllib.error, urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
ARGS = '''--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync'''.split()
TOKEN = 'explorer'
NO_NEWS = '{"fetchNews":"false","checkForUpdates":false,"doNotDisturbMode":true}'

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

def prepare(folder):
    "A copy of the notebooks in `folder`, beside the results, and settings for a server of its own; its environment."
    folder = Path(folder)
    if not (folder/'nbs').exists():
        shutil.copytree(ROOT/'nbs', folder/'nbs', ignore=shutil.ignore_patterns('.ipynb_checkpoints'))
        (folder/'data').symlink_to(ROOT/'data')                 # the notebooks read results there
    settings = folder/'settings'/'@jupyterlab'/'apputils-extension'
    settings.mkdir(parents=True, exist_ok=True)
    (settings/'notification.jupyterlab-settings').write_text(NO_NEWS)
    theme = os.environ.get('LAB_THEME', 'JupyterLab Light')
    (settings/'themes.jupyterlab-settings').write_text('{"theme":"%s"}' % theme)
    own = ('JUPYTER_CONFIG_DIR', 'JUPYTER_DATA_DIR', 'JUPYTER_RUNTIME_DIR', 'IPYTHONDIR', 'JUPYTERLAB_WORKSPACES_DIR')
    return dict(os.environ, JUPYTERLAB_SETTINGS_DIR=str(folder/'settings'), **{k: str(folder/k.lower()) for k in own})

def wait_until_up(url, process, log, seconds=120):
    for _ in range(2*seconds):
        if process.poll() is not None: break
        try: return urllib.request.urlopen(url, timeout=2)
        except urllib.error.HTTPError: return           # it answers, if only with "not found"
        except OSError: time.sleep(.5)
    raise RuntimeError(f'the server does not answer: see {log}')

@contextlib.contextmanager
def server(folder, *command, ready):
    "Run `command`, with {port} and {nbs} filled in, on a copy of the notebooks in `folder`; yields its address."
    env, port, log = prepare(folder), free_port(), Path(folder)/'server.log'
    command = [c.format(port=port, nbs=Path(folder)/'nbs') for c in command]
    with open(log, 'a') as out: process = subprocess.Popen([sys.executable, '-m', *command], env=env, stdout=out, stderr=out)
    try:
        wait_until_up(f'http://127.0.0.1:{port}/{ready}', process, log)
        yield f'http://127.0.0.1:{port}'
    finally:
        process.send_signal(signal.SIGINT)
        time.sleep(.3)
        process.terminate()
        process.wait(20)

def lab(folder):
    return server(folder, 'jupyterlab', '--no-browser', '--ip=127.0.0.1', '--port={port}', '--ServerApp.port_retries=0',
                  f'--IdentityProvider.token={TOKEN}', '--ServerApp.root_dir={nbs}', '--allow-root', ready=f'api/status?token={TOKEN}')

def voila(folder, name):
    return server(folder, 'voila', '{nbs}/' + name, '--no-browser', '--port={port}', '--Voila.ip=127.0.0.1', ready='nothing')

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

HAS_KERNEL = "() => { const k = document.querySelector('.jp-Toolbar-kernelName'); return k && !k.textContent.includes('No Kernel') }"
IS_IDLE = "() => /\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent || '')"

def open_and_run(page, address, name, timeout=240):
    "Open a notebook in JupyterLab and run all its cells, until the explorer is there."
    page.goto(f'{address}/lab/tree/{name}?reset&token={TOKEN}')
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', state='attached', timeout=60_000)
    page.wait_for_function(HAS_KERNEL, timeout=60_000)
    page.wait_for_function(IS_IDLE, timeout=60_000)
    page.get_by_role('menuitem', name='Run', exact=True).click()
    page.get_by_text('Run All Cells', exact=True).click()
    page.locator('.explorer-image').first.wait_for(state='attached', timeout=1000*timeout)
    page.wait_for_function(IS_IDLE, timeout=1000*timeout)

class Explorer:
    "The explorer as a user finds it on a page."
    def __init__(self, page):
        self.page = page
        page.locator('.explorer-image').first.scroll_into_view_if_needed()

    def picture(self): return self.page.locator('.explorer-image').first.get_attribute('src')
    def status(self): return self.page.locator('.explorer-status').first.inner_text()
    def slider(self, name): return self.page.get_by_role('slider', name=name, exact=True).first
    def square(self, row, col): return self.page.locator(f'.explorer button[title="row {row}, column {col}"]').first
    def text(self): return self.page.locator('.explorer input[type=text]').first
    def button(self, name): return self.page.get_by_role('button', name=name, exact=True).first
    def choose(self, name, option): self.page.get_by_label(name, exact=True).first.select_option(option)

    def readout(self, name):
        return self.page.locator('.widget-slider', has_text=name).locator('.widget-readout').first.inner_text()

    def bytes(self):
        get = "async () => [...new Uint8Array(await (await fetch(document.querySelector('.explorer-image').src)).arrayBuffer())]"
        return bytes(self.page.evaluate(get))

    def wait_change(self, before, timeout=20_000):
        self.page.wait_for_function("b => document.querySelector('.explorer-image').src != b", arg=before, timeout=timeout)

    def wait_status(self, pattern, timeout=30_000):
        self.page.wait_for_function("p => RegExp(p).test(document.querySelector('.explorer-status').innerText)", arg=pattern, timeout=timeout)

    def settle(self, seconds=.7, limit=60):
        "Wait until picture and status have stood still for a while and nothing is under way; the picture's bytes."
        last, since, start = None, time.time(), time.time()
        while time.time() - since < seconds:
            now = (self.picture(), self.status())
            if now != last or '…' in now[1]: last, since = now, time.time()
            if time.time() - start > limit: raise TimeoutError('the explorer does not come to rest')
            time.sleep(.05)
        return self.bytes()
