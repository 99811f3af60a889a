"""Are data, logs, results and weights what they were? `python tools/verify.py` compares them with
data/SHA256SUMS, as `sha256sum -c data/SHA256SUMS` does, and makes the puzzles again. `--update` writes the
checksums anew."""
import hashlib, sys
from pathlib import Path

from fastcore.script import call_parse
from gram_nb.checkpoints import write_atomic
from gram_nb.problems.queens import NQueens, puzzles_csv

ROOT = Path(__file__).resolve().parents[1]
SUMS = ROOT/'data'/'SHA256SUMS'
FOLDERS = ('data', 'gram_nb/weights', 'images')

def checksums() -> dict:    # path → SHA-256
    "Of every file that nothing but its own command may change."
    files = [p for f in FOLDERS for p in sorted((ROOT/f).rglob('*')) if p.is_file() and p != SUMS]
    files = [p for p in files if not p.name.startswith('.')]        # a desktop's own
    return {p.relative_to(ROOT).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

def read_sums() -> dict:
    "The checksums as they were."
    lines = SUMS.read_text(encoding='utf-8').splitlines()
    return {path: digest for digest,path in (line.split('  ', 1) for line in lines)}

def differences(then: dict, now: dict) -> list:
    "One line for each file that is missing, new or different."
    missing = [f'{k} is missing' for k in then.keys() - now.keys()]
    new = [f'{k} is not in {SUMS.name}' for k in now.keys() - then.keys()]
    return sorted(missing + new + [f'{k} differs' for k in then.keys() & now.keys() if then[k] != now[k]])

def check_puzzles() -> list:
    "Does the code make the puzzles that are kept?"
    same = puzzles_csv(NQueens(8)).encode() == (ROOT/'data'/'nqueens8.csv').read_bytes()
    return [] if same else ['data/nqueens8.csv is not what the code makes']

@call_parse
def main(
    update: bool=False,     # Write the checksums anew
):
    "Compare data, logs, results and weights with their checksums."
    now = checksums()
    if update: write_atomic(SUMS, ''.join(f'{digest}  {path}\n' for path,digest in now.items()).encode())
    found = differences(read_sums(), now) + check_puzzles()
    for line in found: print(line)
    print(f'{len(now)} files, {len(found)} differences from {SUMS.relative_to(ROOT).as_posix()}')
    sys.exit(bool(found))
