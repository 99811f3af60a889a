"""Numbers in prose come from result files: between `<!--n:SOURCE.PATH-->` and `<!--/n-->` stands the value at that path as a percentage with one decimal, or in the format given after a colon (`<!--n:heads.scale_1.value:.2f-->`).

`python scripts/numbers_in_prose.py` fills them in, in every notebook; `--check` only compares."""
import json, re, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = dict(run='runs/nqueens8-rows/metrics', demo='runs/demo/metrics', heads='runs/nqueens8-rows/heads', scale='results/noise_scale', times='results/response_times', kill='results/kill_test', board='runs/nqueens8-board/metrics', bench='results/bench-nqueens8-fast', bench16='results/bench-nqueens8-fast-bf16', sure='results/sure', gc8l='runs/coloring8-longer/metrics', gc8e='runs/coloring8-earlier/metrics', gc10e='runs/coloring10-earlier/metrics', positions='results/positions', ten='runs/nqueens10-rows/metrics', gc8='runs/coloring8-vertices/metrics', gc8p='runs/coloring8-pairs/metrics', gc10='runs/coloring10-vertices/metrics', beyond='results/beyond', together='results/together', fair='runs/nqueens8-fair/metrics', fair1='runs/nqueens8-fair-seed1/metrics', sampler='results/sampler')
MARK = re.compile(r'(<!--n:(\w+)\.([^:>]+?)(?::([^>]+?))?-->)([^<]*)(<!--/n-->)')

def value(source, path):
    "The value in a result file; a path's parts are separated by dots, spaces written as they are."
    v = json.loads((ROOT/'data'/f'{SOURCES[source]}.json').read_text(encoding='utf-8'))
    for key in path.split('.'): v = v[int(key)] if isinstance(v, list) else v[key]
    return v

def filled(text):
    "The text with all marked numbers as the result files have them."
    def one(m):
        v = value(m[2], m[3])
        return m[1] + (format(v, m[4]) if m[4] else f'{100*v:.1f}') + m[6]
    return MARK.sub(one, text)

def ablation_table():
    "The ablations as a Markdown table: mean over seeds, and the range."
    runs = json.loads((ROOT/'data'/'results'/'ablations.json').read_text(encoding='utf-8'))['runs']
    def cell(rs, f):
        v = [100*f(r) for r in rs.values()]
        return f'{sum(v)/len(v):.1f} ({min(v):.1f} to {max(v):.1f})'
    fields = (lambda r: r['ema']['accuracy'], lambda r: r['raw']['accuracy'], lambda r: r['posterior_accuracy'], lambda r: r['ema']['coverage']['pairs'])
    rows = [f'| {name} | ' + ' | '.join(cell(rs, f) for f in fields) + ' |' for name,rs in runs.items()]
    return '\n'.join(['| variant | prior accuracy | with raw weights | posterior accuracy | coverage@20 over pairs |', '|---|---|---|---|---|', *rows])

BLOCK = re.compile(r'(<!--ablations-->\n).*?(\n<!--/ablations-->)', re.S)

def filled_page(text): return BLOCK.sub(lambda m: m[1] + ablation_table() + m[2], filled(text))

PAGES = ('GAP_DEFAULTS.md', 'DEVIATIONS.md')

def notebooks():
    "Each notebook's path, its content, and its markdown cells."
    for path in sorted((ROOT/'nbs').glob('*.ipynb')):
        nb = json.loads(path.read_text(encoding='utf-8'))
        yield path, nb, [c for c in nb['cells'] if c['cell_type'] == 'markdown']

if __name__ == '__main__':
    check, stale = '--check' in sys.argv, 0
    for path, nb, cells in notebooks():
        changed = [(c, filled(old)) for c in cells if filled(old := ''.join(c['source'])) != old]
        for c,new in changed: c['source'] = new.splitlines(keepends=True)
        if changed and not check: path.write_text(json.dumps(nb, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
        stale += len(changed)
    for page in PAGES:
        old = (ROOT/page).read_text(encoding='utf-8'); new = filled_page(old)
        if new != old and not check: (ROOT/page).write_text(new, encoding='utf-8')
        stale += new != old
    if check and stale: sys.exit(f'{stale} cells or pages hold numbers that the result files do not: run make numbers')
