"Fail when something generated is out of date: the package, the notebooks' cleanliness, README, the declared requirements."
import ast, configparser, shlex, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

def snapshot(): return {p: p.read_bytes() for d in ('gram_nb','nbs') for p in sorted((ROOT/d).rglob('*')) if p.suffix in ('.py','.ipynb') and '.ipynb_checkpoints' not in p.parts}

def unchanged_by(command):
    "Problems: files that `command` changes. They are put back."
    before = snapshot()
    subprocess.run([BIN/command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = snapshot()
    for p in after.keys() - before.keys(): p.unlink()
    for p,data in before.items(): p.write_bytes(data)
    return [f'{command} would change {p.relative_to(ROOT)}: run make export' for p in sorted(before.keys() | after.keys()) if before.get(p) != after.get(p)]

def undeclared_imports():
    "Problems: modules that the package imports and settings.ini does not list."
    cfg = configparser.ConfigParser(delimiters=['=']); cfg.read(ROOT/'settings.ini')
    declared = {r.split('>')[0].split('=')[0].split('<')[0] for r in shlex.split(cfg['DEFAULT']['requirements'])}
    known = declared | set(sys.stdlib_module_names) | {'gram_nb'}
    bad = []
    for path in sorted((ROOT/'gram_nb').glob('*.py')):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            bad += [f'{path.name} imports {n}, which settings.ini does not list' for n in names if n.split('.')[0] not in known]
    return bad

def dirty_notebooks():
    "Problems: widget state, error outputs, cells without outputs where a picture is due."
    import nbformat
    bad = []
    for path in sorted((ROOT/'nbs').glob('*.ipynb')):
        nb = nbformat.read(path, as_version=4)
        if 'widgets' in nb.metadata: bad.append(f'{path.name} holds widget state: run make notebooks')
        if any(o.output_type == 'error' for c in nb.cells for o in c.get('outputs', [])): bad.append(f'{path.name} holds an error output')
        if path.stat().st_size > 500_000: bad.append(f'{path.name} is larger than 500 KB')
        if path.name != 'index.ipynb' and not any('image/png' in o.get('data', {}) for c in nb.cells for o in c.get('outputs', [])): bad.append(f'{path.name} was committed without its pictures: run make notebooks')
    return bad

if __name__ == '__main__':
    problems = unchanged_by('nbdev_export') + unchanged_by('nbdev_clean') + undeclared_imports() + dirty_notebooks()
    readme = subprocess.run([sys.executable, ROOT/'scripts'/'readme.py', '--check'], capture_output=True, text=True)
    problems += [readme.stderr.strip()] if readme.returncode else []
    for p in problems: print(p)
    print(f'{len(problems)} problems')
    sys.exit(bool(problems))
