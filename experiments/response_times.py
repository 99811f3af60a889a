"How long from an event in the browser to the new picture, in JupyterLab: median and worst of 20, to `data/results/response_times.json`."
import json, statistics, tempfile, time
from pathlib import Path

from browser import Explorer, ROOT, lab, open_and_run, page
from gram_nb.cli import machine
from gram_nb.train import write_atomic

def times(p, e, act, n=20):
    "Milliseconds from the event to another picture, n times."
    took = []
    for i in range(n):
        before = e.picture()
        start = time.perf_counter(); act(i); e.wait_change(before)
        took.append(1e3*(time.perf_counter() - start)); time.sleep(.15)
    return dict(median_ms=round(statistics.median(took)), worst_ms=round(max(took)), n=n)

with tempfile.TemporaryDirectory() as d, lab(d) as address, page() as p:
    open_and_run(p, address, '10_explore.ipynb')
    e, result = Explorer(p), {}
    def key(slider, keys='ArrowRight'):
        e.slider(slider).focus()
        return lambda i: p.keyboard.press(keys if i % 2 == 0 else {'ArrowRight':'ArrowLeft', 'ArrowLeft':'ArrowRight'}[keys])
    e.settle()
    result['noise scale'] = times(p, e, key('noise scale')); e.settle()
    result['trajectories'] = times(p, e, key('trajectories')); e.settle()
    result['supervision steps (17 and 16)'] = times(p, e, key('steps')); e.settle()
    result['seed'] = times(p, e, key('seed')); e.settle()
    result['square of the board'] = times(p, e, lambda i: e.square(1,1).click()); e.settle()
    result['time step, answers'] = times(p, e, key('at step', 'ArrowLeft')); e.settle()
    for view in ('Over time', 'Loss surface'):
        p.get_by_role('button', name=view, exact=True).click(); e.settle()
        result[f'time step, {view.lower()}'] = times(p, e, key('at step', 'ArrowLeft')); e.settle()
    p.get_by_role('button', name='Answers', exact=True).click(); e.settle()
    e.slider('trajectories').focus(); p.keyboard.press('End'); e.settle()
    result['noise scale, 100 trajectories'] = times(p, e, key('noise scale')); e.settle()
result = dict(command='python scripts/response_times.py', machine=machine(), what='milliseconds from key or click in headless Chromium to the next picture in JupyterLab; 20 trajectories, 16 steps unless said', **{'times': result})
out = ROOT/'data'/'results'/'response_times.json'
out.parent.mkdir(exist_ok=True)
write_atomic(out, json.dumps(result, indent=1).encode())
for k,v in result['times'].items(): print(f"{k:36} median {v['median_ms']:5} ms   worst {v['worst_ms']:5} ms")
