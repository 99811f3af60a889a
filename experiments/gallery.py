"README's picture of other worlds, cut from executed notebooks: `python experiments/gallery.py`."
import base64, io, json

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from store import ROOT

OUT = ROOT/'images'/'worlds.png'
PICTURES = [    # notebook, text in the cell that draws, which of its pictures, title
    ('40_coloring', "single, 'deterministic'", 0, '3-coloring: the deterministic model, then draws of GRAM'),
    ('41_sudoku', "('sudoku6-blank', 'sudoku9-blank')", 1,
     'Sudoku: grids from nothing (the last has faults)'),
    ('42_arc', "listed = sorted_votes(narrow['gram-0'])", 1, 'ARC-AGI: a task, and the most voted answers'),
    ('43_images', "by_class.condition(asked)", 0, 'digits by class')]

def picture(notebook: str, text: str, which: int):
    "A picture that a cell has shown."
    cells = json.loads((ROOT/'nbs'/f'{notebook}.ipynb').read_text(encoding='utf-8'))['cells']
    shown = [o['data']['image/png'] for c in cells if text in ''.join(c['source'])
             for o in c.get('outputs', []) if 'image/png' in o.get('data', {})]
    return plt.imread(io.BytesIO(base64.b64decode(shown[which])), format='png')

if __name__ == '__main__':
    images = [picture(*p[:3]) for p in PICTURES]
    fig = Figure(figsize=(10,3.7), layout='constrained')
    axs = fig.subplots(2, 2).flat
    for ax,image,(*_,title) in zip(axs, images, PICTURES, strict=True):
        ax.imshow(image, interpolation='antialiased')
        ax.set_title(title, fontsize=9)
        ax.axis('off')
    fig.savefig(OUT, dpi=130)
    print(OUT.name, f'{OUT.stat().st_size/1024:.0f} KiB')
