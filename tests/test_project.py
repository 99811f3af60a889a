"What no single notebook can test: layering, shipped files, packaging, and the repository as a whole."
import ast, hashlib, json, os, re, shutil, subprocess, sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from gram_nb.checkpoints import load_model, load_tensors
from gram_nb.cli import changes
from gram_nb.inference import evaluate
from gram_nb.problems.queens import NQueens, puzzles_csv
from gram_nb.results import read_metrics
from gram_nb.scores import score_answers
from gram_nb.settings import TrainConfig, get_preset

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, RUNS = ROOT/'gram_nb', ROOT/'data'/'runs'
ASCII = dict(os.environ, LC_ALL='C', PYTHONUTF8='0', PYTHONCOERCECLOCALE='0')

def run(*command, **how):
    how = dict(capture_output=True, encoding='utf-8', errors='replace') | how
    return subprocess.run(list(map(str, command)), **how)

# ---- modules

COURSE = ('problems', 'scores', 'layers', 'recursion', 'guidance', 'elbo', 'halting', 'inference', 'settings',
          'checkpoints', 'train')

def module_name(path: Path) -> str:
    "'problems', 'problems.queens', 'train' and so on."
    parts = path.relative_to(PACKAGE).with_suffix('').parts
    return '.'.join(p for p in parts if p != '__init__')

MODULES = {module_name(p): p for p in sorted(PACKAGE.rglob('*.py'))}
MODULES = {name: p for name,p in MODULES.items() if name not in ('', '_modidx')}

def imports_of(path: Path) -> set:
    "Modules of gram_nb that a module imports when it is loaded."
    package = ('gram_nb', *path.relative_to(PACKAGE).parent.parts)
    found = set()
    for n in ast.parse(path.read_text(encoding='utf-8')).body:
        if not isinstance(n, ast.ImportFrom): continue
        base = '.'.join(package[:len(package) - n.level + 1]) if n.level else ''
        name = '.'.join(filter(None, (base, n.module)))
        if name.startswith('gram_nb.'): found.add(name.removeprefix('gram_nb.'))
    return found

@pytest.mark.parametrize('name', COURSE)
def test_the_course_looks_only_down(name):
    allowed = set(COURSE[:COURSE.index(name)])
    assert imports_of(MODULES[name]) <= allowed

@pytest.mark.parametrize('name', [m for m in MODULES if m.startswith('problems.')])
def test_a_problem_knows_no_model(name):
    assert imports_of(MODULES[name]) <= {'problems', 'scores', 'problems.queens'} - {name}

def test_nothing_looks_back():
    "What stands above the course may look at it and at each other, in one direction."
    above = {name: imports_of(p) & MODULES.keys() for name,p in MODULES.items() if name not in COURSE}
    order = []
    while above:
        free = [name for name,needs in above.items() if not needs & above.keys()]
        assert free, f'these modules import one another: {above}'
        order += free
        for name in free: del above[name]

def exported() -> dict:     # notebook → module
    "Which module each notebook writes."
    found = {}
    for path in sorted((ROOT/'nbs').glob('*.ipynb')):
        cells = json.loads(path.read_text(encoding='utf-8'))['cells']
        sources = [''.join(c['source']) for c in cells if c['cell_type'] == 'code']
        modules = [s.split()[-1] for s in sources if s.startswith('#| default_exp ')]
        if modules: found[path.stem] = modules[0].removesuffix('.__init__')
    return found

def test_a_notebook_and_its_module_share_a_name():
    assert sorted(exported().values()) == sorted(MODULES)
    for notebook,module in exported().items():
        assert notebook.split('_', 1)[1] == module.split('.')[-1], notebook

def test_who_loads_weights_loads_no_training():
    code = """
import sys
from gram_nb.checkpoints import load_model
load_model('nqueens8-rows')
print(*(m for m in ('gram_nb.train', 'gram_nb.plots', 'matplotlib', 'filelock') if m in sys.modules))"""
    r = run(sys.executable, '-c', code)
    assert r.returncode == 0 and r.stdout.strip() == '', r.stdout + r.stderr
    users = [name for name,p in MODULES.items() if 'distributed' in p.read_text(encoding='utf-8')]
    assert set(users) <= {'train', 'cli', 'bench'}, users

# ---- shipped files

def test_data_file_is_what_the_code_makes():
    assert (ROOT/'data'/'nqueens8.csv').read_bytes() == puzzles_csv(NQueens(8)).encode()

def test_nothing_differs_from_the_manifest():
    r = run(sys.executable, ROOT/'tools'/'verify.py', env=ASCII)
    assert r.returncode == 0, r.stdout + r.stderr

@pytest.mark.skipif(not shutil.which('sha256sum'), reason='there is no sha256sum')
def test_sha256sum_agrees():
    r = run('sha256sum', '--check', '--quiet', 'data/SHA256SUMS', cwd=ROOT)
    assert r.returncode == 0, r.stdout + r.stderr

@pytest.mark.parametrize('name,run,every,within', (
    ('nqueens8-rows', 'nqueens8-rows/gram', 4, .01), ('nqueens8-board', 'nqueens8-board', 40, .06)))
def test_shipped_weights_reach_their_figures(name, run, every, within):
    "Some test inputs again, with another seed: within sampling error of the answers that the run has left."
    model, problem = load_model(name)
    test = problem.parts()['test']
    some = torch.arange(0, len(test), every)
    kept = load_tensors(RUNS/run/'answers.safetensors')[0]['answers'].long()[:,some]
    then = score_answers(problem, test.subset(some), kept)
    again, _ = evaluate(model, problem, test.subset(some), samples=len(kept), seed=123)
    assert abs(again['accuracy'] - then['accuracy']) < within
    assert abs(again['coverage']['pairs'] - then['coverage']['pairs']) < 4*within

def config_of(run) -> TrainConfig:
    return TrainConfig(**json.loads((RUNS/run/'config.json').read_text(encoding='utf-8')))

KEPT = [p.parent.relative_to(RUNS).as_posix() for p in sorted(RUNS.rglob('config.json'))]

@pytest.mark.parametrize('run', KEPT)
def test_a_kept_run_has_settings_that_can_be_used(run):
    cfg = config_of(run)
    for path in (RUNS/run).glob('*weights*.safetensors'):
        assert TrainConfig(**load_tensors(path)[1]['config']) == cfg

def settings_of(command: str) -> TrainConfig:
    "What a command of gram_train asks for."
    kinds = dict(preset=str, minutes=float, updates=int, seed=int)
    given = {k: kinds[k](v) for k,v in re.findall(r'--(preset|minutes|updates|seed) (\S+)', command)}
    json_text = re.search(r'--settings (\{.*?\})', command)
    several = re.findall(r'--set (\S+)', command)
    return get_preset(given.pop('preset'), **changes(json_text[1] if json_text else '{}', several, **given))

def test_the_command_of_a_kept_run_makes_it():
    "All but the precision, which is decided when a run starts."
    for path in sorted(RUNS.glob('*/metrics.json')):
        for name,m in read_metrics(path.parent).items():
            folder = path.parent/name if (path.parent/name).is_dir() else path.parent
            if not m['command'].startswith('gram_train'): continue
            cfg = config_of(folder.relative_to(RUNS))
            assert replace(settings_of(m['command']), precision=cfg.precision) == cfg, m['command']

@pytest.mark.parametrize('name,run', (
    ('nqueens8-rows', 'nqueens8-rows/gram'), ('nqueens8-board', 'nqueens8-board')))
def test_shipped_weights_carry_their_settings(name, run):
    _, meta = load_tensors(PACKAGE/'weights'/f'{name}.safetensors')
    assert TrainConfig(**meta['config']) == config_of(run)

@pytest.mark.parametrize('manifest', sorted(RUNS.rglob('manifest.json')), ids=lambda p: p.parent.name)
def test_a_runs_manifest_fits_its_files(manifest):
    for name,digest in json.loads(manifest.read_text(encoding='utf-8'))['files'].items():
        path = manifest.parent/name
        assert not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() == digest, name

def test_reproduce_makes_every_run_and_every_result():
    script = (ROOT/'experiments'/'reproduce.sh').read_text(encoding='utf-8')
    words = set(re.findall(r'[\w-]+', script))
    helpers = {'browser', 'store'}
    experiments = {p.stem for p in (ROOT/'experiments').glob('*.py')} - helpers
    assert experiments <= words, experiments - words
    runs = {p.name for p in RUNS.iterdir() if p.is_dir()}
    assert {r.removesuffix('-seed1') for r in runs} <= words, runs - words

def test_a_results_command_is_there():
    for path in sorted((ROOT/'data'/'results').glob('*.json')):
        command = json.loads(path.read_text(encoding='utf-8'))['command'].split()
        assert command[0].startswith('gram_') or (ROOT/command[1]).is_file(), path.name

# ---- the repository

def git(*command):
    "A git command's output; skips where this is no checkout, or where there is no git."
    if not shutil.which('git') or not (ROOT/'.git').exists(): pytest.skip('this is no git checkout')
    r = run('git', *command, cwd=ROOT)
    if r.returncode: pytest.skip(f'git does not answer here: {r.stderr.strip()}')
    return r.stdout

def test_the_repository_is_small():
    files = [ROOT/f for f in git('ls-files', '-z').split('\0') if f]
    assert sum(p.stat().st_size for p in files if p.is_file()) < 40 * 2**20

def test_line_ends_are_the_same_everywhere():
    "No carriage returns, and .gitattributes keeps git from adding some: checksums depend on it."
    lines = [line.split('\t') for line in git('ls-files', '--eol').splitlines()]
    assert not [path for eol,path in lines if 'crlf' in eol or 'mixed' in eol]
    assert not [path for eol,path in lines if 'eol=lf' not in eol and '-text' not in eol]

def test_checks_and_readme_work_in_an_ascii_locale():
    for command,*options in (('check.py',), ('readme.py', '--check')):
        r = run(sys.executable, ROOT/'tools'/command, *options, env=ASCII)
        assert 'Traceback' not in r.stderr and 'Unicode' not in r.stderr + r.stdout, r.stderr

@pytest.mark.skipif(not shutil.which('make'), reason='there is no make')
def test_make_takes_names_with_spaces(tmp_path):
    bin = tmp_path/'an environment'/'bin'
    bin.mkdir(parents=True)
    for name in ('gram_demo', 'jupyter'):
        (bin/name).write_text('#!/bin/sh\nfor a; do echo "<$a>"; done\n', encoding='utf-8')
        (bin/name).chmod(0o755)
    for stamp in ('package', 'dev'): (bin.parent/stamp).touch()
    r = run('make', '-s', f'VENV={bin.parent}', 'OUT=runs/of mine', 'demo', cwd=ROOT)
    assert r.stdout.splitlines() == ['<--minutes>', '<6>', '<--out>', '<runs/of mine>'], r.stderr
    r = run('make', '-s', f'VENV={bin.parent}', 'PORT=9999', 'BROWSER=no', 'lab', cwd=ROOT)
    assert {'<lab>', '<--port=9999>', '<--no-browser>'} <= set(r.stdout.splitlines()), r.stderr
    assert ('<--allow-root>' in r.stdout) == (hasattr(os, 'getuid') and os.getuid() == 0)

# ---- packaging

def test_the_package_builds_and_runs_elsewhere(tmp_path):
    "The source archive, the wheel made from it, and weights loaded from the installed wheel."
    source, dist, site = (tmp_path/d for d in ('source', 'dist', 'site'))
    source.mkdir()
    for name in ('settings.ini', 'setup.py', 'pyproject.toml', 'MANIFEST.in', 'README.md'):
        shutil.copy(ROOT/name, source)
    shutil.copytree(PACKAGE, source/'gram_nb', ignore=shutil.ignore_patterns('__pycache__'))
    shutil.copytree(ROOT/'data', source/'data')
    r = run(sys.executable, '-m', 'build', '--no-isolation', '--outdir', dist, source)
    assert r.returncode == 0, r.stderr[-2000:]
    wheel, = dist.glob('*.whl')
    r = run(sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--no-index', '--target', site, wheel)
    assert r.returncode == 0, r.stderr[-2000:]
    code = """
import gram_nb.checkpoints as c
model, problem = c.load_model('nqueens8-rows')
c.load_heads('nqueens8-rows')
assert (c.DATA/'published.csv').is_file() and c.DATA.is_relative_to(c.PACKAGE), c.DATA
print(c.__file__, problem.name)"""
    r = run(sys.executable, '-c', code, cwd=tmp_path, env=dict(os.environ, PYTHONPATH=str(site)))
    assert r.returncode == 0, r.stderr
    file, name = r.stdout.strip().rsplit(' ', 1)
    assert Path(file).is_relative_to(site) and name == 'nqueens8-rows'
