"README as a person uses it: its commands and snippets are pasted, its links followed, its tables made again."
import copy, os, re, shutil, subprocess, sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
TEXT = (ROOT/'README.md').read_text(encoding='utf-8')

def blocks(language) -> str:
    "All code blocks of a language, in their order."
    return '\n'.join(re.findall(rf'^```{language}\n(.*?)^```', TEXT, flags=re.M | re.S))

SHORTER = (     # the same commands with less work
    (r'^( *)make (?=\w)', r'\1make -n -C "$ROOT" '),
    (r'--minutes [\d.]+', '--updates 8 --set validations=1 --set n_sup=4'),
    (r'\bgram_bench\b', 'gram_bench --seconds .05 --set compile=false'),
    (r'\bgram_eval\b(?!.*--samples)', 'gram_eval --samples 2'))

@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    "Where a person stands: a folder with an environment in .venv, which is not active."
    folder = tmp_path_factory.mktemp('checkout')
    (folder/'.venv'/'bin').mkdir(parents=True)
    (folder/'.venv'/'bin'/'activate').write_text(f'export PATH="{BIN}:$PATH"\n', encoding='utf-8')
    return folder

def outside() -> dict:
    "The environment of a shell that knows nothing of ours."
    path = [p for p in os.environ['PATH'].split(os.pathsep) if Path(p) != BIN]
    return dict(os.environ, PATH=os.pathsep.join(path), ROOT=str(ROOT), OMP_NUM_THREADS='1')

def run(*command, cwd):
    how = dict(cwd=cwd, env=outside(), capture_output=True, encoding='utf-8', timeout=900)
    return subprocess.run(command, **how)

@pytest.mark.skipif(not (shutil.which('bash') and shutil.which('make')), reason='there is no bash or no make')
def test_commands(folder):
    script = blocks('sh')
    assert 'gram_solve' in script and 'make demo' in script and 'make test' in script
    for long,short in SHORTER: script = re.sub(long, short, script, flags=re.M)
    r = run('bash', '-e', '-c', script, cwd=folder)
    assert r.returncode == 0, f'{script}\n{r.stdout[-2000:]}\n{r.stderr[-3000:]}'
    assert 'solutions found' in r.stdout

def test_snippets(folder):
    code = blocks('python')
    r = run(sys.executable, '-c', code, cwd=folder)
    assert r.returncode == 0, r.stderr
    assert r.stdout.strip(), 'the snippets print nothing'

def test_links_and_pictures_are_there():
    links = re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)|src="([^"]+)"', TEXT)
    here = [a or b for a,b in links if not (a or b).startswith('http')]
    missing = [link for link in here if not (ROOT/link).exists()]
    assert here and not missing, missing

def test_it_is_what_the_index_says():
    r = run(sys.executable, ROOT/'tools'/'readme.py', '--check', cwd=ROOT)
    assert r.returncode == 0, r.stderr

def tables(nb) -> list:
    "The Markdown that each code cell displays."
    outputs = [o for c in nb.cells if c.cell_type == 'code' for o in c.outputs]
    return [o.data['text/markdown'] for o in outputs if 'text/markdown' in o.get('data', {})]

def test_tables_are_those_of_the_result_files():
    kept = nbformat.read(ROOT/'nbs'/'index.ipynb', as_version=4)
    again = copy.deepcopy(kept)
    where, quiet = dict(metadata=dict(path=str(ROOT/'nbs'))), ['--IPKernelApp.log_level=40']
    how = dict(timeout=300, kernel_name='python3', resources=where, extra_arguments=quiet)
    NotebookClient(again, **how).execute()
    assert tables(again) == tables(kept), 'run make notebooks NBS=index and make readme'
