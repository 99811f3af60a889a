"Execute notebooks, each from a fresh kernel: `python tools/run_notebooks.py [--inplace] [NAMES]`."
import copy, re, sys, time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import nbformat
from fastcore.script import Param, call_parse
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

WIDGET = 'application/vnd.jupyter.widget-view+json'
QUIET = '--IPKernelApp.log_level=40'        # errors only: each kernel warns that it listens on TCP
NBS = Path(__file__).resolve().parents[1]/'nbs'

def execute(path, inplace=False, twice=False, interrupt=0) -> bool:
    "Run one notebook; False, with the failing cell printed, if a cell raises."
    nb, start = nbformat.read(path, as_version=4), time.time()
    again = twice or interrupt
    if again: nb.cells = [copy.deepcopy(c) for c in nb.cells for _ in range(2)]
    where = dict(metadata=dict(path=str(NBS.parent if again else NBS)))     # readers start in either
    client = NotebookClient(nb, timeout=900, kernel_name='python3', resources=where, extra_arguments=[QUIET])
    client.widget_registry = {}     # pictures land in the cell's own output, not in widget metadata
    if interrupt: interrupt_first(client, interrupt)
    try: run(client)
    except CellExecutionError as e:
        text = re.sub(r'\x1b\[[0-9;]*m', '', str(e))
        print(f'{path.name}: {text[:1500]}\n...\n{text[-1500:]}', flush=True)
        return False
    if inplace and not again: nbformat.write(to_keep(nb), path)
    print(f'{path.name}: {time.time()-start:.0f} s', flush=True)
    return True

def run(client, tries: int=3):
    "Execute. If kernels that start at once choose the same port, one of them dies: it is started anew."
    for left in reversed(range(tries)):
        try: return client.execute()
        except RuntimeError as e:
            if not left or 'before replying' not in str(e): raise

def interrupt_first(client, seconds):
    "Let the first of each two equal cells be interrupted after a while, unless it imports something."
    first = [c for c in client.nb.cells[::2] if 'import' not in c.source]
    for c in first: c.metadata.update(interrupt=True, tags=['raises-exception'])
    client.timeout_func = lambda c: seconds if 'interrupt' in c.metadata else client.timeout
    client.interrupt_on_timeout = True

def to_keep(nb):
    "The notebook without widget state and live progress bars, which mean nothing once the kernel has gone."
    nb.metadata.pop('widgets', None)
    for cell in nb.cells:
        if 'outputs' in cell: cell.outputs = [o for o in cell.outputs if WIDGET not in o.get('data', {})]
    return nb

@call_parse
def main(
    names: Param('Notebooks in nbs/ (default: all)', str, nargs='*'),
    inplace: bool=False,    # Write the outputs into the notebooks
    twice: bool=False,      # Run each cell twice in a row, from the root, as a reader may; nothing is written
    interrupt: int=0,       # ... and stop it after so many seconds the first time
    workers: int=1,         # Notebooks at a time
):
    "Execute notebooks, each from a fresh kernel."
    sys.stdout.reconfigure(errors='replace')
    everything = sorted(NBS.glob('*.ipynb'), key=lambda p: -p.stat().st_size)     # the long ones first
    paths = [NBS/f'{Path(n).stem}.ipynb' for n in names] or everything
    with ProcessPoolExecutor(workers) as pool:
        passed = list(pool.map(execute, paths, repeat(inplace), repeat(twice), repeat(interrupt)))
    sys.exit(not all(passed))
