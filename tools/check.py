"Is what is generated up to date, and the code in order? `python tools/check.py`, which changes nothing."
import json, os, shlex, shutil, subprocess, sys, tempfile
from configparser import ConfigParser
from pathlib import Path

import nbformat
from fastcore.script import call_parse

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
CODE = ('nbs', 'tools', 'tests', 'experiments', 'site')
LINES, BYTES = 30, 500_000      # a cell's, a notebook's

def run(*command, cwd=ROOT):
    "A command of this environment: its status and output."
    how = dict(cwd=cwd, env=dict(os.environ, PYTHONUTF8='1'), capture_output=True, encoding='utf-8')
    return subprocess.run([BIN/command[0], *command[1:]], **how)

def sources(folder) -> dict:    # path → bytes
    "The notebooks and the package in a copy of the repository."
    files = [p for d in ('nbs', 'gram_nb') for p in sorted((folder/d).rglob('*'))]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files if p.suffix in ('.py', '.ipynb')}

def changed_by(command) -> list:
    "Files that `command` would change, found in a copy."
    leave = shutil.ignore_patterns('.*', '__pycache__', 'weights')
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        for d in ('nbs', 'gram_nb'): shutil.copytree(ROOT/d, folder/d, ignore=leave)
        shutil.copy(ROOT/'settings.ini', folder)
        before = sources(folder)
        done = run(command, cwd=folder)
        if done.returncode: return [f'{command} fails: {done.stderr.strip()}']
        after = sources(folder)
    names = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    return [f'{command} would change {k}: run make export' for k in names]

def stale_readme() -> list:
    "Is README.md what the index notebook says?"
    return run('python', 'tools/readme.py', '--check').stderr.splitlines()

def lint() -> list:
    "What ruff finds in notebooks and scripts."
    return run('ruff', 'check', '-q', '--output-format', 'concise', *CODE).stdout.splitlines()

def imports(requirements: str, *folders, ignore='') -> list:
    "What deptry finds: modules that `requirements` lacks, and packages in it that nothing imports."
    with tempfile.TemporaryDirectory() as tmp:
        listed, found = Path(tmp)/'requirements.txt', Path(tmp)/'found.json'
        listed.write_text('\n'.join(shlex.split(requirements)), encoding='utf-8')
        how = ('--known-first-party', 'gram_nb', '--exclude', 'no file', '--ignore', ignore)
        done = run('deptry', *folders, *how, '--requirements-files', listed, '--json-output', found)
        if not found.exists(): return [f'deptry fails: {done.stderr.strip()}']
        found = json.loads(found.read_text(encoding='utf-8'))
    where = lambda f: f['location']['file'].replace(str(listed), 'settings.ini')
    return sorted({f"{where(f)}: {f['error']['message']}" for f in found})

def requirements() -> list:
    "Does settings.ini list what is imported, and is what it lists used?"
    config = ConfigParser(delimiters=['='])
    config.read(ROOT/'settings.ini', encoding='utf-8')
    needed = config['DEFAULT']['requirements']
    hub, arc, images, dev, app = (
        config['DEFAULT'][f'{k}_requirements'] for k in ('hub', 'arc', 'images', 'dev', 'app'))
    package = imports(f'{needed} {hub} {arc} {images}', 'gram_nb')
    return package + imports(f'{needed} {dev} {app}', *CODE, ignore='DEP002')

def notebook_faults(path) -> list:
    "Errors, widget state, missing pictures or tables, long cells, too many bytes."
    nb, faults = nbformat.read(path, as_version=4), []
    code = [c for c in nb.cells if c.cell_type == 'code']
    outputs = [o for c in code for o in c.outputs]
    draws = any('plt.' in c.source for c in code)
    drawn = any('image/png' in o.get('data', {}) for o in outputs)
    if 'widgets' in nb.metadata: faults.append('holds widget state: run make notebooks')
    if any(o.output_type == 'error' for o in outputs): faults.append('holds an error')
    if len(code) > 2 and not outputs: faults.append('has no outputs: run make notebooks')
    if draws and outputs and not drawn: faults.append('has no pictures: run make notebooks')
    if path.stat().st_size > BYTES: faults.append(f'is larger than {BYTES//1000} KB')
    for c in code:
        n = sum(bool(line.strip()) and not line.startswith('#|') for line in c.source.splitlines())
        if n > LINES: faults.append(f'has a cell of {n} lines: {c.source[:40]!r}')
    return [f'nbs/{path.name} {f}' for f in faults]

CHECKS = {
    'the package is exported': lambda: changed_by('nbdev_export'),
    'the notebooks are clean': lambda: changed_by('nbdev_clean'),
    'README is rendered': stale_readme,
    'ruff': lint,
    'requirements (deptry)': requirements,
    'notebooks': lambda: [f for p in sorted((ROOT/'nbs').glob('*.ipynb')) for f in notebook_faults(p)],
}

@call_parse
def main():
    "Say what is out of date or out of order. Nothing is changed."
    sys.stdout.reconfigure(errors='replace')
    count = 0
    for name,check in CHECKS.items():
        problems = check()
        print(f'{name}: {len(problems)} problems', flush=True)
        for p in problems: print(f'  {p}')
        count += len(problems)
    sys.exit(bool(count))
