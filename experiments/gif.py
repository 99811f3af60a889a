"README's picture, trajectories of one puzzle with the shipped weights: `python experiments/gif.py`."
from pathlib import Path

from matplotlib.figure import Figure
from gram_nb.checkpoints import load_model
from gram_nb.explore import draw_grid, explore, save_gif, square_probs
from gram_nb.problems.queens import parse_board

OUT = Path(__file__).resolve().parents[1]/'images'/'solving.gif'
STEPS, SAMPLES = 12, 12

def draw(ex, step: int) -> Figure:
    "Trajectories in fixed places, with the decoder's probabilities as shades."
    problem, y, valid = ex.problem, ex.y[step], ex.valid[step]
    titles = ['valid' if ok else '' for ok in valid]
    found = len(y[valid].unique(dim=0))
    fig = Figure(figsize=(7.2,3.3))
    ax = fig.add_axes((.01, .01, .98, .88))
    draw_grid(ax, problem.decode(y), problem.decode(ex.x), titles, square_probs(problem, ex.probs(step)))
    done = f'{int(valid.sum())} of {SAMPLES} trajectories valid, {found} of {len(ex.answers)} answers found'
    fig.text(.012, .945, f'step {step+1}: {done}', fontsize=11, va='center')
    return fig

if __name__ == '__main__':
    model, problem = load_model('nqueens8-rows')
    x = problem.encode(parse_board('. . . . . . .Q...... ...Q....', 8))
    ex = explore(model, problem, x, samples=SAMPLES, steps=STEPS, seed=1)
    save_gif(OUT, lambda step: draw(ex, step), STEPS, fps=2)
    print(OUT.name, f'{OUT.stat().st_size/2**20:.2f} MiB')
