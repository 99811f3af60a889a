"""Keep what a run leaves behind: `python tools/keep_run.py runs/board data/runs/nqueens8-board`.

Settings, logs, metrics and manifest are copied as they are, answers as bytes where they fit, the best weights
in bf16. The run is a folder of gram_train, or one that holds several of them, as gram_demo makes it: each is
kept in a folder of the same name, and the metrics of all in one metrics.json. With --ship the weights (of
`gram`, where there are several runs) go into the package instead, with a model card."""
import json, sys
from pathlib import Path

import torch
from fastcore.script import call_parse
from gram_nb.checkpoints import WEIGHTS, copy_as_bf16, load_run, load_tensors, read_csv, save_tensors
from gram_nb.checkpoints import write_atomic
from gram_nb.inference import evaluate
from gram_nb.problems import Puzzles
from gram_nb.results import minutes_of
from gram_nb.scores import count_distinct

TEXTS = ('config.json', 'log.csv', 'valid.csv', 'metrics.json', 'manifest.json')

def copy(source: Path, target: Path):
    "Copy a file, if it is there and not the same one."
    if source.is_file() and source.resolve() != target.resolve(): write_atomic(target, source.read_bytes())

def narrow(v: torch.Tensor) -> torch.Tensor:
    "Tokens as bytes where they fit, or in 16 bits."
    return v.byte() if 0 <= int(v.min()) and int(v.max()) < 256 else v.short()

def keep_one(run: Path, folder: Path, leave: list):
    "Keep one run. What is not there yet is left out."
    folder.mkdir(parents=True, exist_ok=True)
    for name in TEXTS:
        if name not in leave: copy(run/name, folder/name)
    if (run/'answers.safetensors').is_file() and 'answers.safetensors' not in leave:
        tensors, meta = load_tensors(run/'answers.safetensors')
        save_tensors(folder/'answers.safetensors', {k: narrow(v) for k,v in tensors.items()}, **meta)
    if (run/'best.safetensors').is_file() and 'weights.safetensors' not in leave:
        copy_as_bf16(run/'best.safetensors', folder/'weights.safetensors')

def metrics_of(run: Path) -> dict:
    "The metrics of a run, which may stand among those of its neighbors."
    if (run/'metrics.json').is_file(): return json.loads((run/'metrics.json').read_text(encoding='utf-8'))
    return json.loads((run.parent/'metrics.json').read_text(encoding='utf-8'))[run.name]

def keep(run: Path, folder: Path, leave: list, ship: bool=False):
    "Keep a run, or several in one folder with their metrics together."
    elsewhere = ['weights.safetensors'] if ship else []
    if (run/'config.json').is_file(): return keep_one(run, folder, leave + elsewhere)
    runs = sorted(p.parent for p in run.glob('*/config.json'))
    if not runs: sys.exit(f'{run} is no run: give a folder that gram_train or gram_demo has made')
    leave = [*leave, 'metrics.json']
    for r in runs: keep_one(r, folder/r.name, leave + elsewhere if r.name == 'gram' else leave)
    metrics = {r.name: metrics_of(r) for r in runs if (r/'metrics.json').is_file()}
    if metrics: write_atomic(folder/'metrics.json', json.dumps(metrics, indent=1).encode())

def draw(folder: Path):
    "Accuracy, cross-entropy and KL in the course of the run, as training.png."
    import matplotlib; matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    from gram_nb.plots import plot_accuracy, plot_by_step
    if not (folder/'valid.csv').is_file() or len((folder/'valid.csv').read_bytes().splitlines()) < 3: return
    valid, log = read_csv(folder/'valid.csv'), read_csv(folder/'log.csv')
    fig, axs = plt.subplots(1, 3, figsize=(11,2.9), layout='constrained')
    plot_accuracy(axs[0], valid)
    plot_by_step(axs[1], log, 'cross_entropy', 'cross-entropy (nats per token)')
    plot_by_step(axs[2], log, 'kl', 'KL of the last transition (nats)')
    fig.savefig(folder/'training.png', dpi=130)

CARD = """# {name}: GRAM for {task}

| | |
|---|---|
| weights | `gram_nb/weights/{name}.safetensors`, {kind}, {parameters:.2f} M parameters |
| load | `from gram_nb.checkpoints import load_model`, then `model, problem = load_model('{name}')` |
| data | {pairs} (input, answer) pairs of {inputs} unique inputs |
| split | by {split}, seed {split_seed}: {train} inputs for training, {valid} for validation, {test} to test |
| run | `{command}` |
| machine | {machine}, {precision}, {minutes} minutes, {updates} updates, seed {seed} |
| chosen | the averaged weights of the validation with the highest prior accuracy ({validation:.1%}) |

## Results on the {test} test inputs

{samples} prior rollouts of {n_sup} supervision steps for each input, noise scale 1. In %.

| | accuracy | coverage@{samples}, mean over inputs | Σf/Σn | Σnf/Σn² |
|---|---|---|---|---|
{scores}
| ceiling of independent uniform draws | | {ceiling} |

n: valid answers that an input has; f: those found.{note}

By the number of valid answers{of_shipped}:

| valid answers | inputs | accuracy | found in {samples} | uniform sampler |
|---|---|---|---|---|
{rows}

## Limits

It knows inputs of this one problem in this one encoding; on others it has not been measured. An answer can be
invalid: check it, which is cheap.{uniform} One seed.
"""

def percent(scores: dict) -> str:
    "Accuracy and the three averages of coverage as cells of a table."
    return ' | '.join(f'{100*v:.2f}' for v in (scores['accuracy'], *scores['coverage'].values()))

def by_answers(problem, puzzles: Puzzles, y: torch.Tensor) -> str:
    "Rows of a table: inputs, accuracy and answers found for each number of valid answers."
    ok = problem.valid(puzzles.inputs.repeat(len(y), 1), y.flatten(0, 1)).view(len(y), -1)
    found, n, rows = count_distinct(y, ok).double(), puzzles.n_answers, []
    for k in n.unique().tolist():
        these, uniform = n == k, k*(1 - (1 - 1/k)**len(y))
        accuracy = 100*ok[:,these].double().mean()
        rows.append(f'| {k} | {these.sum()} | {accuracy:.1f} | {found[these].mean():.2f} | {uniform:.2f} |')
    return '\n'.join(rows)

def task_of(problem) -> str:
    "What a model of this problem does, in words."
    board = hasattr(problem, 'n') and problem.name.startswith('nqueens')
    if not board: return problem.name
    return f'{problem.n}×{problem.n} N-Queens in the {problem.encoding.rstrip("s")} encoding'

def card(path: Path, metrics: dict) -> str:
    "The model card of weights in the package, with the figures that they reach now."
    model, problem, cfg = load_run(path)
    parts, puzzles = problem.parts(cfg.split, cfg.split_seed), problem.puzzles()
    scores, y = evaluate(model, problem, parts['test'], metrics['samples'], precision=metrics['precision'])
    ceiling = ' | '.join(f'{100*v:.2f}' for v in metrics['ceiling'].values())
    tensors, meta = load_tensors(path)
    more = ' More are valid than are listed: coverage means nothing here.'
    listed = bool(parts['test'].n_answers.max() > 1) and not problem.open_ended
    half = any(v.dtype == torch.bfloat16 for v in tensors.values())
    table = [f'| {how} | {percent(s)} |' for how,s in
             (('as trained (float32)', metrics), ('as shipped (bf16), drawn again', scores))]
    return CARD.format(
        name=path.stem, task=task_of(problem), pairs=len(puzzles.targets), inputs=len(puzzles),
        kind='bf16' if half else 'float32', of_shipped=' (as shipped)' if half else '',
        parameters=metrics['parameters']/1e6, split=cfg.split, split_seed=cfg.split_seed,
        **{k: len(p) for k,p in parts.items()}, command=metrics['command'], machine=metrics['machine'],
        precision=metrics['precision'], minutes=minutes_of(metrics['train_seconds']),
        updates=metrics['updates'],
        seed=metrics['seed'], validation=meta['validation']['prior_accuracy'], samples=len(y),
        n_sup=cfg.n_sup, note=more*problem.open_ended,
        uniform=' The draws are not uniform over the valid answers.'*listed,
        scores='\n'.join(table if half else table[:1]), ceiling=ceiling,
        rows=by_answers(problem, parts['test'], y))

def into_package(run: Path, name: str):
    "Put a run's weights and their card into the package. A run without weights gets a new card alone."
    config = json.loads((run/'config.json').read_text(encoding='utf-8'))
    path = WEIGHTS/f"{name or config['problem']}.safetensors"
    if (run/'best.safetensors').is_file(): copy_as_bf16(run/'best.safetensors', path)
    write_atomic(path.with_suffix('.md'), card(path, metrics_of(run)).encode())
    print(f'{path.name} and {path.stem}.md are in {WEIGHTS}')

@call_parse
def main(
    run: Path,              # Folder of the run
    folder: Path,           # Where to keep it
    ship: bool=False,       # Put the weights into the package, with a model card
    name: str=None,         # Of the weights there, by default the problem's
    figure: bool=False,     # Draw training.png
    leave: str='',          # Names of files to leave out, separated by spaces
):
    "Keep what a run leaves behind."
    keep(run, folder, leave.split(), ship)
    if ship: into_package(run/'gram' if (run/'gram').is_dir() else run, name)
    if figure: draw(folder)
    print(f'{folder}:', *sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file()))
