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
    "A copy of the notebooks in `folder`, and the environment for a server of its own."
    folder = Path(folder)
    if not (folder/'nbs').exists():
        shutil.copytree(ROOT/'nbs', folder/'nbs', ignore=shutil.ignore_patterns('.ipynb_checkpoints'))
    settings = folder/'settings'/'@jupyterlab'/'apputils-extension'
    settings.mkdir(parents=True, exist_ok=True)
    (settings/'notification.jupyterlab-settings').write_text(NO_NEWS)
    theme = os.environ.get('LAB_THEME', 'JupyterLab Light')
    (settings/'themes.jupyterlab-settings').write_text('{"theme":"%s"}' % theme)
    own = dict(JUPYTERLAB_SETTINGS_DIR=str(folder/'settings'))
    for k in ('CONFIG_DIR', 'DATA_DIR', 'RUNTIME_DIR'): own[f'JUPYTER_{k}'] = str(folder/k.lower())
    for k in ('IPYTHONDIR', 'JUPYTERLAB_WORKSPACES_DIR'): own[k] = str(folder/k.lower())
    return os.environ | own

def wait_until_up(url, process, log, seconds=120):
    for _ in range(2*seconds):
        if process.poll() is not None: break
        try: return urllib.request.urlopen(url, timeout=2)
        except urllib.error.HTTPError: return           # it answers, if only with "not found"
        except OSError: time.sleep(.5)
    raise RuntimeError(f'the server does not answer: see {log}')

@contextlib.contextmanager
def server(folder, *command, ready):
    "Run `command`, with {port} and {nbs} filled in, on a copy of the notebooks; yields its address."
    env, port, log = prepare(folder), free_port(), Path(folder)/'server.log'
    command = [sys.executable, '-m', *(c.format(port=port, nbs=Path(folder)/'nbs') for c in command)]
    with open(log, 'a') as out: process = subprocess.Popen(command, env=env, stdout=out, stderr=out)
    try:
        wait_until_up(f'http://127.0.0.1:{port}/{ready}', process, log)
        yield f'http://127.0.0.1:{port}'
    finally:
        process.send_signal(signal.SIGINT)
        time.sleep(.3)
        process.terminate()
        process.wait(20)

def lab(folder):
    options = ('--no-browser', '--ip=127.0.0.1', '--port={port}', '--ServerApp.port_retries=0',
               '--allow-root', '--ServerApp.root_dir={nbs}', f'--IdentityProvider.token={TOKEN}')
    return server(folder, 'jupyterlab', *options, ready=f'api/status?token={TOKEN}')

def voila(folder, name):
    options = ('--no-browser', '--port={port}', '--Voila.ip=127.0.0.1')
    return server(folder, 'voila', '{nbs}/' + name, *options, ready='nothing')

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

KERNEL = "document.querySelector('.jp-Toolbar-kernelName')?.textContent"
HAS_KERNEL = f"() => {KERNEL} && !{KERNEL}.includes('No Kernel')"
IS_IDLE = "() => /\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent || '')"

def open_and_run(page, address, name, timeout=240):
    "Open a notebook in JupyterLab and run all its cells, until the explorer is there."
    page.goto(f'{address}/lab/tree/{name}?reset&token={TOKEN}')
    idle = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
    page.wait_for_selector(idle, state='attached', timeout=60_000)
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
    def square(self, row, col): return self.page.get_by_title(f'row {row}, column {col}', exact=True).first
    def text(self): return self.page.locator('.explorer input[type=text]').first
    def button(self, name): return self.page.get_by_role('button', name=name, exact=True).first
    def choose(self, name, option): self.page.get_by_label(name, exact=True).first.select_option(option)

    def readout(self, name):
        slider = self.page.locator('.widget-slider', has_text=name).first
        return slider.locator('.widget-readout').inner_text()

    def bytes(self):
        return bytes(self.page.evaluate('''async () => {
            const answer = await fetch(document.querySelector('.explorer-image').src);
            return [...new Uint8Array(await answer.arrayBuffer())];
        }'''))

    def wait_change(self, before, timeout=20_000):
        changed = "b => document.querySelector('.explorer-image').src != b"
        self.page.wait_for_function(changed, arg=before, timeout=timeout)

    def wait_status(self, pattern, timeout=30_000):
        says = "p => RegExp(p).test(document.querySelector('.explorer-status').innerText)"
        self.page.wait_for_function(says, arg=pattern, timeout=timeout)

    def after(self, act):
        "Do something that makes a new picture; the picture's bytes once it has come to rest."
        before = self.picture()
        act()
        self.wait_change(before)
        return self.settle()

    def press(self, name, *keys):
        "Press keys on a slider, then wait as `after` does."
        self.slider(name).focus()
        return self.after(lambda: [self.page.keyboard.press(k) for k in keys])

    def settle(self, seconds=.7, limit=60):
        "Wait until picture and status have stood still for a while and no work is left; the picture's bytes."
        last, since, start = None, time.time(), time.time()
        while time.time() - since < seconds:
            now = (self.picture(), self.status())
            if now != last or '…' in now[1]: last, since = now, time.time()
            if time.time() - start > limit: raise TimeoutError('the explorer does not come to rest')
            time.sleep(.05)
        return self.bytes()
