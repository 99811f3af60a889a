"""Are data, logs, results and weights what they were? `python scripts/verify.py` recomputes size, MD5 and SHA-256 of each committed file and compares them with data/MANIFEST.json; `--update` writes the manifest anew.

It also makes the puzzles again and compares them with data/nqueens8.csv."""
import hashlib, json, sys
from pathlib import Path

from gram_nb.problems import NQueens, puzzles_csv
from gram_nb.train import write_atomic

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ROOT/'data'/'MANIFEST.json'

def fingerprint(path):
    data = path.read_bytes()
    return dict(bytes=len(data), md5=hashlib.md5(data, usedforsecurity=False).hexdigest(), sha256=hashlib.sha256(data).hexdigest())

def fingerprints():
    files = [p for d in ('data','gram_nb/weights','images') for p in sorted((ROOT/d).rglob('*')) if p.is_file() and p != MANIFEST and 'explorer-' not in p.name]
    return {p.relative_to(ROOT).as_posix(): fingerprint(p) for p in files}

if __name__ == '__main__':
    now = fingerprints()
    if '--update' in sys.argv:
        write_atomic(MANIFEST, (json.dumps(now, indent=1) + '\n').encode())
        sys.exit(print(f'{MANIFEST.name}: {len(now)} files'))
    then = json.loads(MANIFEST.read_text())
    wrong = [f'{k} is missing' for k in then.keys() - now.keys()] + [f'{k} is not in the manifest' for k in now.keys() - then.keys()]
    wrong += [f'{k} differs: {now[k]["bytes"]} bytes, SHA-256 {now[k]["sha256"][:12]}…, not {then[k]["bytes"]} bytes, {then[k]["sha256"][:12]}…' for k in then.keys() & now.keys() if now[k] != then[k]]
    if puzzles_csv(NQueens(8)).encode() != (ROOT/'data'/'nqueens8.csv').read_bytes(): wrong.append('data/nqueens8.csv is not what the code makes')
    for w in sorted(wrong): print(w)
    print(f'{len(then)} files in the manifest, {len(wrong)} differences')
    sys.exit(bool(wrong))
