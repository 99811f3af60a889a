"""Put a finished run's weights into the package: `python scripts/ship.py RUN`, with RUN a folder that gram_train has written.

Writes gram_nb/weights/PROBLEM.safetensors in bf16, evaluates what it wrote on the test inputs, and writes the model card PROBLEM.md beside it."""
import json, sys
from pathlib import Path

from gram_nb.cli import score
from gram_nb.problems import count_distinct, split_inputs
from gram_nb.train import WEIGHTS, config_from, copy_as_bf16, load_model, load_tensors

CARD = """# {name}: GRAM for {task}

| | |
|---|---|
| weights | `gram_nb/weights/{name}.safetensors`, bf16, {parameters:.2f} M parameters; load with `gram_nb.train.load_model('{name}')` |
| data | {pairs} (input, answer) pairs of {inputs} unique inputs, made by `gram_data --problem {name}`; split by unique input with seed {split_seed}: 80 % training, 5 % validation, 15 % test |
| run | `{command}` |
| machine | {machine}, {precision}, {minutes:.0f} minutes, {updates} updates, seed {seed} |
| chosen | the averaged weights of the validation with the highest prior accuracy ({validation:.1%}) |

## Results on the {test} test inputs

{samples} prior rollouts of 16 supervision steps for each input, noise scale 1.

| | accuracy | coverage@{samples} over inputs | pooled | over pairs |
|---|---|---|---|---|
| as trained (float32) | {trained} |
| as shipped (bf16) | {shipped} |
| ceiling of independent uniform draws | | {ceiling} |

By the number of right answers that an input has (as shipped):

| right answers | inputs | accuracy | found in {samples} | uniform sampler |
|---|---|---|---|---|
{rows}

## Limits

It completes partial boards of this one size in this one encoding, and was trained on boards with one to three queens given; on others it has not been measured. A trajectory can be wrong: check an answer, which is cheap. The draws are not uniform over the right answers. One seed.
"""

if __name__ == '__main__':
    run = Path(sys.argv[1])
    meta = load_tensors(run/'best.safetensors')[1]
    metrics, cfg = json.loads((run/'metrics.json').read_text()), config_from(meta, run)
    path = WEIGHTS/f'{cfg.problem}.safetensors'
    copy_as_bf16(run/'best.safetensors', path)
    path.chmod(0o644)
    model, problem = load_model(path)
    puzzles = problem.puzzles()
    test = puzzles.subset(split_inputs(len(puzzles), cfg.split_seed)['test'])
    result, y = score(model, problem, cfg.split_seed, precision=metrics['precision'])
    ok = problem.valid(test.inputs.repeat(len(y),1), y.flatten(0,1)).view(len(y), -1)
    found, n = count_distinct(y, ok).double(), test.n_answers
    cells = lambda r: ' | '.join(f'{100*v:.2f}' for v in (r['accuracy'], *r['coverage'].values()))
    rows = [f'| {k} | {(n==k).sum()} | {100*ok[:,n==k].double().mean():.1f} | {found[n==k].mean():.2f} | {k*(1-(1-1/k)**len(y)):.2f} |' for k in n.unique().tolist()]
    card = CARD.format(name=cfg.problem, task=f'{problem.n}×{problem.n} N-Queens in the {problem.encoding} encoding', parameters=metrics['parameters']/1e6, pairs=len(puzzles.targets), inputs=len(puzzles), split_seed=cfg.split_seed,
                       command=metrics['command'], machine=metrics['machine'], precision=metrics['precision'], minutes=metrics['train_seconds']/60, updates=metrics['updates'], seed=metrics['seed'], validation=meta['validation']['prior_accuracy'],
                       test=len(test), samples=len(y), trained=cells(metrics), shipped=cells(result), ceiling=' | '.join(f'{100*v:.2f}' for v in metrics['ceiling'].values()), rows='\n'.join(rows))
    path.with_suffix('.md').write_text(card, encoding='utf-8')
    print(card)
