"The picture at the top of README: trajectories of one puzzle being solved by the shipped weights. `python scripts/gif.py` writes images/solving.gif."
from pathlib import Path

from gram_nb.explore import draw_grid, explore, load_heads, save_gif
from gram_nb.problems import parse_board
from gram_nb.train import load_model

from matplotlib.figure import Figure

model, problem = load_model('nqueens8-rows')
ex = explore(model, problem, parse_board('. . . . . . .Q...... ...Q....', 8), load_heads('nqueens8-rows'), samples=12, steps=12, scale=1.3)

def draw(step):
    "Twelve trajectories, each in its place, with the decoder's probabilities as shades."
    fig = Figure(figsize=(7.2,3.3))
    titles = ['valid' if ok else '' for ok in ex.valid[step]]
    draw_grid(fig.add_axes((.01,.01,.98,.88)), ex.boards[step], ex.cols, titles, ex.squares[step])
    found = len(ex.boards[step][ex.valid[step]].unique(dim=0))
    fig.text(.012, .945, f'12 trajectories of one puzzle, step {step+1}: {int(ex.valid[step].sum())} valid, {found} of {len(ex.solutions)} solutions', fontsize=11, va='center')
    return fig

path = Path(__file__).resolve().parents[1]/'images'/'solving.gif'
save_gif(path, draw, 12, fps=2, dpi=100)
print(path.name, f'{path.stat().st_size/2**20:.2f} MiB')
