"""How long the static explorer takes to open and to answer, from the file system: median and worst of 20.
`python experiments/static_times.py` builds it in a temporary folder (which needs `pip install -e .[app]` and
npm) and writes data/results/static_times.json."""
import os, statistics, subprocess, sys, tempfile, time
from pathlib import Path

from browser import page
from gram_nb.checkpoints import to_json, write_atomic
from gram_nb.cli import machine

ROOT = Path(__file__).resolve().parents[1]
WHAT = ('milliseconds in headless Chromium, one thread, from the file system: from opening the page, key or '
        'click to the finished boards; 20 trajectories, 16 steps, unless said; the first picture is the '
        'belief after the first step')
ANSWERED = "n => run > n && document.querySelector('main').getAttribute('aria-busy') === 'false'"

def times(took) -> dict:
    return dict(median_ms=round(statistics.median(took)), worst_ms=round(max(took)), n=len(took))

def since(start): return 1e3*(time.perf_counter() - start)

def open_often(p, address, n) -> dict:
    "In a fresh context each time, so that nothing is cached."
    picture, answer = [], []
    for _ in range(n):
        context = p.context.browser.new_context()
        one, start = context.new_page(), time.perf_counter()
        one.goto(address, wait_until='commit')
        one.wait_for_selector('#belief svg')
        picture.append(since(start))
        one.wait_for_selector('main[aria-busy=false]')
        answer.append(since(start))
        context.close()
    return {'open, first picture': times(picture), 'open, first answer': times(answer)}

def measure(p, act, n) -> dict:
    took = []
    for i in range(n):
        before, start = p.evaluate('run'), time.perf_counter()
        act(i)
        p.wait_for_function(ANSWERED, arg=before)
        took.append(since(start))
        time.sleep(.1)
    return times(took)

def slide(p, name, *keys):
    "Press keys on a slider."
    p.get_by_role('slider', name=name, exact=True).focus()
    for k in keys: p.keyboard.press(k)

def measure_all(p, address, n=20) -> dict:
    result = open_often(p, address, n)
    p.goto(address)
    p.wait_for_function(ANSWERED, arg=0)
    def noise(i): slide(p, 'noise scale', 'ArrowLeft' if i % 2 else 'ArrowRight')
    square = p.get_by_role('button', name='queen in row 2, column 5', exact=True)
    result['noise scale'] = measure(p, noise, n)
    result['square of the board'] = measure(p, lambda i: square.click(), n)
    slide(p, 'trajectories', 'End')
    p.wait_for_function(ANSWERED, arg=0)
    result['noise scale, 100 trajectories'] = measure(p, noise, n)
    return result

if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as d, page() as p:
        subprocess.run([sys.executable, ROOT/'tools'/'app_static.py', '--out', d], check=True)
        size = sum(f.stat().st_size for f in Path(d).iterdir())
        before = os.getloadavg()[0]
        found = measure_all(p, (Path(d)/'index.html').as_uri())
    after = os.getloadavg()[0]
    load = f'load average of {before:.1f} before and {after:.1f} after, on {os.cpu_count()} cores'
    about = dict(command='python experiments/static_times.py', machine=machine(), load=load, what=WHAT)
    text = to_json(about | dict(bytes=size, times=found), indent=1)
    write_atomic(ROOT/'data'/'results'/'static_times.json', text.encode())
    for name,v in found.items(): print(f"{name:34} median {v['median_ms']:5}, worst {v['worst_ms']:5} ms")
    print(load)
