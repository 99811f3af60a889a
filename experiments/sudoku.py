"""Sudoku of notebook 41: trains what it shows, and measures it.

    python experiments/sudoku.py                    # seven hours of one core; two processes may share
    python experiments/sudoku.py --only sudoku9     # one problem
    python experiments/sudoku.py --data             # make data/sudoku9.csv (minutes), and stop
    python experiments/sudoku.py --csv FILE         # check a file such as Sudoku-Extreme's, solve some of it

Each training is a command of gram_train, kept below data/runs as tools/keep_run.py keeps it. Presets of
notebook 07a; three seeds of `sudoku4-blank`, one run of the others. `sudoku9-blank` was trained on a GPU by
scripts/gpu_all.sh: put its weights into runs/sudoku9-blank/gram/best.safetensors, with the rest of the run.
Figures are of the weights of the best validation, of ordinary rollouts of 16 steps unless a figure says
otherwise, on test puzzles. `layers` compares what mixes the tokens: validation accuracy after equal minutes.
Writes data/results/sudoku.json.
What is in the file is kept, and a training that was stopped goes on."""
import shlex, subprocess, sys
from pathlib import Path

import torch
from fastcore.script import call_parse
from filelock import FileLock, Timeout
from gram_nb.checkpoints import load_run, read_csv as read_log, write_atomic
from gram_nb.halting import fit_heads
from gram_nb.inference import best_of_n, fastest_precision, majority_vote, sample_with_confidence
from gram_nb.problems import InputError
from gram_nb.problems.sudoku import FIELDS, csv_faults, make_puzzles, read_csv, signature, solved_by_singles
from gram_nb.settings import get_preset
from gram_nb.train import train
from gram_nb.uniformity import answer_counts, uniformity

from store import ROOT, load, machine, updating

RUNS = {        # folder: command
    'sudoku4-blank/gram': '--preset sudoku4-blank-fast',
    'sudoku4-blank/seed1': '--preset sudoku4-blank-fast --seed 1',
    'sudoku4-blank/seed2': '--preset sudoku4-blank-fast --seed 2',
    'sudoku4/gram': '--preset sudoku4-fast',
    'sudoku6-blank/gram': '--preset sudoku6-blank-fast',
    'sudoku9/gram': '--preset sudoku9-fast',
    'sudoku9/narrow': '--preset sudoku9-fast --set sigma=.1',
    'sudoku9/baseline': '--preset sudoku9-fast --set model=rrm',
    'sudoku6/gram': '--preset sudoku6-fast',
    'sudoku9-blank/gram': '--preset sudoku9-blank-fast',
}
LAYERS = {      # what mixes the tokens: settings
    'SwiGLU over the sequence': dict(mixer='mlp'),
    **{f'attention, RoPE on a {p}': dict(mixer='attention', positions=p) for p in ('line', 'grid', 'box')},
}
COMPARED = {'sudoku4-blank': 3}     # problem: minutes
DRAWS = {4: 3000, 6: 3000, 9: 1000}
STEPS, WIDTHS, WIDE = (1, 2, 4, 8, 16, 32, 64), (1, 2, 5, 10, 20, 50), 50

def gram_train(words: str, folder) -> None:
    "Train, or go on, or do nothing if the run is complete."
    script = Path(sys.executable).with_name('gram_train')
    command = [script, *shlex.split(words), '--out', folder.relative_to(ROOT).as_posix()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)

def from_elsewhere(folder) -> bool:
    "Has another machine trained it, and left its best weights without a checkpoint?"
    return (folder/'best.safetensors').is_file() and not (folder/'checkpoint.safetensors').is_file()

def keep(name: str):
    "Keep the runs of a problem, with the weights of `gram` in the package."
    command = [sys.executable, ROOT/'tools'/'keep_run.py', ROOT/'runs'/name, ROOT/'data'/'runs'/name,
               '--ship', '--leave', 'log.csv answers.safetensors weights.safetensors']
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

# ---- what is measured

def mean(v) -> float: return v.double().mean().item()

def generated(model, problem, how) -> dict:
    "Draws from the blank grid: valid and different ones, how uniform, and how many are of held-out classes."
    x, n = problem.puzzles().inputs, problem.n
    y = sample_with_confidence(model, x, DRAWS[n], **how).answers[:,0]
    ok = problem.valid(x.expand(len(y), -1), y)
    distinct = [len(y[:k][ok[:k]].unique(dim=0)) for k in range(100, len(y)+1, 100)]
    result = dict(draws=len(y), valid=mean(ok), distinct=distinct)
    if n == 4:
        counts = answer_counts(y, problem.puzzles().targets)
        return result | dict(counts=counts[:-1].tolist(), uniformity=uniformity(counts))
    found, parts = signature(problem.decode(y[ok]), n), problem.parts()
    known = {k: signature(problem.decode(p.targets), n) for k,p in parts.items()}
    every = torch.cat(list(known.values()))
    shares = [mean(~torch.isin(v, known['train'])) if len(v) else 0. for v in (found, every)]
    return result | dict(zip(('held_out', 'held_out_real'), shares))

def solved(model, problem, how) -> dict:
    "Test puzzles: accuracy by difficulty, by steps, and by the number of trajectories that are chosen from."
    test, n = problem.parts()['test'], problem.n
    easy = solved_by_singles(problem.decode(test.inputs), n)
    def ok_of(y): return problem.valid(test.inputs.repeat(len(y), 1), y.flatten(0, 1)).view(len(y), -1)
    steps = {}
    for k in STEPS:
        ok = ok_of(sample_with_confidence(model, test.inputs, 2, k, **how).answers)
        steps[k] = dict(easy=mean(ok[:,easy]), hard=mean(ok[:,~easy]))
    if not model.stochastic: return dict(easy=easy.int().tolist(), steps=steps)
    drawn = sample_with_confidence(model, test.inputs, WIDE, **how)
    ok, widths, at = ok_of(drawn.answers), {}, torch.arange(len(test))
    train = problem.parts()['train']
    heads = fit_heads(model, problem, train.subset(torch.arange(0, len(train), 4)))
    g = torch.Generator().manual_seed(0)
    value = [best_of_n(model, heads, x, WIDE, generator=g)[0] for x in test.inputs.split(20)]
    for k in WIDTHS:
        sure = drawn.answers[drawn.confidence[:k].argmax(0), at]
        chosen = dict(vote=majority_vote(drawn.answers[:k]), confidence=sure)
        each = {name: problem.valid(test.inputs, y) for name,y in chosen.items()}
        each['checked'] = ok[:k].any(0)
        widths[k] = {name: dict(easy=mean(v[easy]), hard=mean(v[~easy])) for name,v in each.items()}
    lprm = problem.valid(test.inputs, torch.cat(value))
    return dict(easy=easy.int().tolist(), steps=steps, widths=widths, solved=mean(ok.double().mean(0)),
                each=[round(v, 3) for v in ok.double().mean(0).tolist()],
                value={WIDE: dict(easy=mean(lprm[easy]), hard=mean(lprm[~easy]))})

def measured(folder) -> dict:
    "What the notebook shows of a run."
    model, problem, cfg = load_run(folder/'best.safetensors')
    how = dict(precision=fastest_precision(), generator=torch.Generator().manual_seed(cfg.seed))
    if problem.kind == 'blank': return generated(model, problem, how)
    return solved(model, problem, how) if problem.n == 9 else {}

def layers_of(folder) -> dict:
    "The validations of a short run."
    log = read_log(folder/'valid.csv')
    return dict(accuracy=log['prior_accuracy'], seconds=log['seconds'], updates=log['update'])

# ---- the work

def work(name: str):
    "Train and measure what is not in the file yet, unless another process is at it."
    kind, _, key = name.partition(':')
    folder = ROOT/'runs'/(key if kind == 'run' else f'sudoku-layers/{key}'.replace(' ', '-').replace(',', ''))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f'{folder}.lock', timeout=0):
        if kind == 'run':
            if not from_elsewhere(folder): gram_train(RUNS[key], folder)
            if key in load('sudoku')['runs']: return
            keep(key.split('/')[0])
            result = measured(folder)
        else:
            problem, layer = key.split('/')
            length = dict(minutes=float(COMPARED[problem]), validations=5)
            train(get_preset(f'{problem}-fast', **length, **LAYERS[layer]), folder, quiet=True)
            result = layers_of(folder)
        with updating('sudoku') as file:
            if kind == 'run': file['runs'][key] = result
            else: file['layers'].setdefault(problem, {})[layer] = result
    print(key, flush=True)

def begin():
    with updating('sudoku') as file:
        if not file: file |= dict(command='python experiments/sudoku.py', machine=machine(),
                                  torch=torch.__version__, minutes=COMPARED, runs={}, layers={})

def solve_csv(path, weights: str, count: int):
    "Check a file, and solve its first puzzles."
    good, faults = csv_faults(path)
    print(*faults[:20], f'{len(good)} lines are in order, {len(faults)} are not', sep='\n')
    model, problem, _ = load_run(weights)
    puzzles, _ = read_csv(path, count)
    x = problem.encode(puzzles.inputs)
    y = sample_with_confidence(model, x, 20, precision=fastest_precision()).answers
    ok = problem.valid(x.repeat(20, 1), y.flatten(0, 1)).view(20, -1)
    vote = problem.valid(x, majority_vote(y))
    print(f'{mean(ok):.1%} of single answers are valid, {mean(vote):.1%} of votes of 20')

@call_parse
def main(
    only: str=None,             # Work that has this in its name
    data: bool=False,           # Make data/sudoku9.csv, and stop
    csv: str=None,              # Check and solve a file, and stop
    weights: str='sudoku9',     # That solve it
    count: int=1000,            # Puzzles of it
):
    "Train and measure, make data, or solve a file."
    torch.set_num_threads(1)
    if data:
        lines = [','.join(map(str, row)) for row in [FIELDS, *make_puzzles()]]
        return write_atomic(ROOT/'data'/'sudoku9.csv', '\n'.join([*lines, '']).encode())
    if csv:
        try: return solve_csv(csv, weights, count)
        except InputError as e: sys.exit(str(e))
    begin()
    for name in [f'run:{k}' for k in RUNS] + [f'layer:{p}/{k}' for p in COMPARED for k in LAYERS]:
        if only and only not in name: continue
        try: work(name)
        except Timeout: continue        # the other process has it
