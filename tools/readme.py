"README.md is nbs/index.ipynb: `python tools/readme.py` renders it, `--check` only compares."
import re, sys
from pathlib import Path

import nbformat
from fastcore.script import call_parse

ROOT = Path(__file__).resolve().parents[1]
HEADER = '<!-- Made from nbs/index.ipynb by `make readme`; edit there. -->'

def markdown(cell) -> list:
    "What a cell puts on the page: its text, or the tables that its code displays."
    if cell.cell_type == 'markdown': return [cell.source]
    return [o.data['text/markdown'] for o in cell.get('outputs', []) if 'text/markdown' in o.get('data', {})]

def from_root(text: str) -> str:
    "Links and pictures as seen from the repository's root."
    text = re.sub(r'(\]\(|src=")\.\./', r'\1', text)            # ../images/x.png → images/x.png
    return re.sub(r'\]\((\w+\.ipynb)', r'](nbs/\1', text)       # 01_layers.ipynb → nbs/01_layers.ipynb

def render() -> str:
    "index.ipynb as Markdown."
    nb = nbformat.read(ROOT/'nbs'/'index.ipynb', as_version=4)
    parts = [text.strip() for cell in nb.cells for text in markdown(cell)]
    return from_root('\n\n'.join([HEADER, *filter(None, parts)])) + '\n'

@call_parse
def main(
    check: bool=False,  # Only compare
):
    "Render README.md from nbs/index.ipynb."
    new, path = render(), ROOT/'README.md'
    if not check: path.write_text(new, encoding='utf-8', newline='\n')
    elif path.read_text(encoding='utf-8') != new:
        sys.exit('README.md differs from nbs/index.ipynb: run make readme')
