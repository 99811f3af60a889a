"""How long from an event in the browser to the new picture, in JupyterLab: median and worst of 20.
`python experiments/response_times.py` writes data/results/response_times.json."""
import os, statistics, tempfile, time
from pathlib import Path

from browser import Explorer, lab, open_and_run, page
from gram_nb.checkpoints import to_json, write_atomic
from gram_nb.cli import machine

ROOT = Path(__file__).resolve().parents[1]

WHAT = ('milliseconds from key or click in headless Chromium to the next finished picture in JupyterLab; '
        '20 trajectories, 16 steps, stopping when confident, unless said')
BACK = {'ArrowRight': 'ArrowLeft', 'ArrowLeft': 'ArrowRight'}

def measure(e: Explorer, act, n=20) -> dict:
    "Milliseconds from an event to another picture, n times."
    took = []
    for i in range(n):
        before, start = e.picture(), time.perf_counter()
        act(i)
        e.wait_change(before)
        took.append(1e3*(time.perf_counter() - start))
        time.sleep(.15)
    e.settle()
    return dict(median_ms=round(statistics.median(took)), worst_ms=round(max(took)), n=n)

def measure_all(p) -> dict:
    "Every kind of event."
    e, result = Explorer(p), {}
    def move(slider, key='ArrowRight'):
        "Press a key on a slider, and the opposite key the next time."
        e.slider(slider).focus()
        return lambda i: p.keyboard.press(BACK[key] if i % 2 else key)
    e.settle()
    for name in ('noise scale', 'trajectories', 'seed'): result[name] = measure(e, move(name))
    result['square of the board'] = measure(e, lambda i: e.square(1,1).click())
    result['time step, answers'] = measure(e, move('at step', 'ArrowLeft'))
    for view in ('Over time', 'Loss surface'):
        e.button(view).click()
        e.settle()
        result[f'time step, {view.lower()}'] = measure(e, move('at step', 'ArrowLeft'))
    e.button('Answers').click()
    e.settle()
    result['noise scale, never stopping'] = None        # in this place of the table
    e.slider('trajectories').focus()
    p.keyboard.press('End')
    e.settle()
    result['noise scale, 100 trajectories'] = measure(e, move('noise scale'))
    e.choose('stop', 'never')
    e.settle()
    result['noise scale, 100 trajectories, never stopping'] = measure(e, move('noise scale'))
    e.slider('trajectories').focus()
    for _ in range(80): p.keyboard.press('ArrowLeft')
    e.settle()
    result['noise scale, never stopping'] = measure(e, move('noise scale'))
    return result

if __name__ == '__main__':
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as d, lab(d) as address, page() as p:
        open_and_run(p, address, '25_app.ipynb')
        times = measure_all(p)
    after = os.getloadavg()[0]
    load = f'load average of {before:.1f} before and {after:.1f} after, on {os.cpu_count()} cores'
    about = dict(command='python experiments/response_times.py', machine=machine(), load=load, what=WHAT)
    text = to_json(about | dict(times=times), indent=1)
    write_atomic(ROOT/'data'/'results'/'response_times.json', text.encode())
    for name,v in times.items(): print(f"{name:46} median {v['median_ms']:5}, worst {v['worst_ms']:5} ms")
    print(load)
