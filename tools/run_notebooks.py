"Execute notebooks, each from a fresh kernel: `python tools/run_notebooks.py [--inplace] [--workers N] [NAMES]`. With --inplace the outputs are kept."
import argparse, logging, re, sys, time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

WIDGET = 'application/vnd.jupyter.widget-view+json'
NBS = Path(__file__).resolve().parents[1]/'nbs'

def execute(path, inplace):
    "Run one notebook in `nbs/`; False, with the failing cell printed, if a cell raises."
    nb, start = nbformat.read(path, as_version=4), time.time()
    client = NotebookClient(nb, timeout=900, kernel_name='python3', resources={'metadata': {'path': str(NBS)}})
    client.widget_registry = {}     # pictures land in the cell's own output, not in widget metadata
    try: client.execute()
    except CellExecutionError as e:
        text = re.sub(r'\x1b\[[0-9;]*m', '', str(e))
        return print(f'{path.name}: {text[:1500]}\n…\n{text[-1500:]}')
    nb.metadata.pop('widgets', None)
    for cell in nb.cells:               # live progress bars mean nothing in a saved notebook
        if 'outputs' in cell: cell.outputs = [o for o in cell.outputs if WIDGET not in o.get('data', {})]
    if inplace: nbformat.write(nb, path)
    print(f'{path.name}: {time.time()-start:.0f} s', flush=True)
    return True

if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('names', nargs='*', help='notebooks in nbs/ (default: all)')
    ap.add_argument('--inplace', action='store_true', help='write the outputs into the notebooks')
    ap.add_argument('--workers', type=int, default=1, help='notebooks at a time')
    args = ap.parse_args()
    paths = [NBS/f'{Path(n).stem}.ipynb' for n in args.names] or sorted(NBS.glob('*.ipynb'), reverse=True)      # the long ones are among the last
    with ProcessPoolExecutor(args.workers) as pool: sys.exit(not all(list(pool.map(execute, paths, repeat(args.inplace)))))
