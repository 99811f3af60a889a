"A console script without installing the package: `python scripts/run.py gram_train --preset tiny --updates 60 --out runs/a` (also under torchrun)."
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
name = sys.argv.pop(1) if len(sys.argv) > 1 else ''
import gram_nb.cli
if name not in ('gram_data', 'gram_train', 'gram_eval', 'gram_solve', 'gram_bench', 'gram_demo'): sys.exit(f'unknown console script {name!r}')
sys.argv[0] = name
getattr(gram_nb.cli, name)()
