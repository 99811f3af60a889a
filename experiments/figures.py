"Draw README's pictures from the shipped weights and the logs of their run: `python scripts/figures.py`."
import shutil, tempfile
from pathlib import Path

from gram_nb.plots import demo_figures

ROOT = Path(__file__).resolve().parents[1]

if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as tmp:
        run = Path(tmp)/'run'
        shutil.copytree(ROOT/'data'/'runs'/'nqueens8-rows', run)
        demo_figures(run)
        for png in run.glob('*.png'): shutil.copy(png, ROOT/'images'/png.name)
