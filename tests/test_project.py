"What no single notebook can test: the package as installed, its layering, the shipped files, and the numbers in README."
import ast, json, subprocess, sys
from pathlib import Path

import pytest
import torch
from gram_nb.inference import evaluate
from gram_nb.problems import NQueens, puzzles_csv, split_inputs
from gram_nb.train import TrainConfig, load_model, load_tensors

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT/'scripts'))
import numbers_in_prose as numbers
RUN, BOARD = (ROOT/'data'/'runs'/f'nqueens8-{e}' for e in ('rows','board'))
LAYERS = 'problems layers recursion guidance elbo halting inference train'.split()

def module_imports(path):
    "Modules of gram_nb that a module imports at its top level."
    tree = ast.parse(path.read_text())
    ours = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module and (n.level or n.module.startswith('gram_nb.'))]
    return {n.module.removeprefix('gram_nb.') for n in ours}

@pytest.mark.parametrize('name', LAYERS)
def test_modules_look_only_down(name):
    i = LAYERS.index(name)
    imports = module_imports(ROOT/'gram_nb'/f'{name}.py')
    assert imports <= set(LAYERS[:i]), imports
    assert imports or name in ('problems', 'layers')

def test_every_notebook_is_a_module():
    modules = {p.stem for p in (ROOT/'gram_nb').glob('*.py')} - {'__init__', '_modidx'}
    assert modules == {*LAYERS, 'plots', 'cli', 'explore', 'coloring', 'sampler', 'beyond', 'plain'}

def test_data_file_is_what_the_code_makes():
    assert (ROOT/'data'/'nqueens8.csv').read_bytes() == puzzles_csv(NQueens(8)).encode()

def test_shipped_weights_reach_their_figures():
    "Re-evaluate the shipped weights: accuracy within sampling error of the committed metrics."
    model, problem = load_model('nqueens8-rows')
    puzzles = problem.puzzles()
    test = puzzles.subset(split_inputs(len(puzzles))['test'])
    claimed = json.loads((RUN/'metrics.json').read_text())['gram']
    again, _ = evaluate(model, problem, test, samples=5, seed=123)
    assert abs(again['accuracy'] - claimed['accuracy']) < .01
    assert abs(evaluate(model, problem, test, samples=20, seed=7)[0]['coverage']['pairs'] - claimed['coverage']['pairs']) < .02

def test_board_weights_reach_their_figures():
    model, problem = load_model('nqueens8-board')
    puzzles = problem.puzzles()
    test = puzzles.subset(split_inputs(len(puzzles))['test'][::6])
    claimed = json.loads((BOARD/'metrics.json').read_text())
    assert abs(evaluate(model, problem, test, samples=4, seed=123)[0]['accuracy'] - claimed['accuracy']) < .06

@pytest.mark.parametrize('name,run', (('nqueens8-rows', RUN/'gram'), ('nqueens8-board', BOARD)))
def test_shipped_weights_carry_their_settings(name, run):
    _, meta = load_tensors(ROOT/'gram_nb'/'weights'/f'{name}.safetensors')
    assert TrainConfig(**meta['config']) == TrainConfig(**json.loads((run/'config.json').read_text()))

def test_numbers_in_prose_come_from_result_files():
    marked = 0
    for path, _, cells in numbers.notebooks():
        for c in cells:
            text = ''.join(c['source'])
            marked += len(numbers.MARK.findall(text))
            assert text.count('<!--n:') == len(numbers.MARK.findall(text)), f'a mark in {path.name} is not closed'
            assert numbers.filled(text) == text, f'{path.name}: run make numbers'
    assert marked >= 20
    for page in numbers.PAGES: assert numbers.filled_page((ROOT/page).read_text(encoding='utf-8')) == (ROOT/page).read_text(encoding='utf-8'), f'{page}: run make numbers'

def test_nothing_differs_from_the_manifest():
    r = subprocess.run([sys.executable, ROOT/'scripts'/'verify.py'], capture_output=True, text=True)
    assert r.returncode == 0, r.stdout

def test_repository_is_small():
    files = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split('\0')
    assert sum((ROOT/f).stat().st_size for f in files if f and (ROOT/f).is_file()) < 40 * 2**20
