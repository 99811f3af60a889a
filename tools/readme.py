"Render README.md from nbs/index.ipynb: `python scripts/readme.py`, or `--check` to only compare."
import argparse, re, sys
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[1]

def render() -> str:
    "index.ipynb as Markdown, with links and pictures as seen from the repository's root."
    nb = nbformat.read(ROOT/'nbs'/'index.ipynb', as_version=4)
    nb.cells = [c for c in nb.cells if c.cell_type == 'markdown']
    text, _ = MarkdownExporter().from_notebook_node(nb)
    text = re.sub(r'\]\(\.\./', '](', text)                             # ../images/x.png -> images/x.png
    text = re.sub(r'\]\((\w+\.ipynb)', r'](nbs/\1', text)               # 00_problems.ipynb -> nbs/00_problems.ipynb
    return '<!-- Made from nbs/index.ipynb by `make readme`; edit there. -->\n\n' + text.strip() + '\n'

if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--check', action='store_true')
    new, path = render(), ROOT/'README.md'
    if not ap.parse_args().check: path.write_text(new, encoding='utf-8')
    elif path.read_text(encoding='utf-8') != new: sys.exit('README.md differs from nbs/index.ipynb: run make readme')
