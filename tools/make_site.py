"""The course as a site in _site/, from the notebooks' committed outputs: `python tools/make_site.py`.
`--check` only looks for broken links and for outside requests in what is there."""
import ast, re, shutil, subprocess, sys, textwrap
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from fastcore.script import call_parse

from npm import npm_files

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = 'https://github.com/gram-nb/gram_nb'
MATHJAX = 'mathjax', '3.2.2', 'es5/tex-svg-full.js', 'LICENSE'     # version 4 asks a server for its fonts
ONLY_IMPORTS = (ast.Import, ast.ImportFrom)
APP = ROOT/'_app'                   # what `make app-static` has built, if it has
TRY = '<a href="explorer/index.html"><b>Try it here</b></a>: the trained model runs in your browser.'

# ---- notebooks

def on_site(text: str) -> str:
    "Links out of nbs/ lead to the repository, pictures into the site."
    def outside(m):
        kind = 'tree' if (ROOT/m[1]).is_dir() else 'blob'
        return f']({REPOSITORY}/{kind}/main/{m[1]}'
    text = re.sub(r'(\]\(|src=")\.\./images/', r'\1images/', text)
    return re.sub(r'\]\(\.\./([^)#\s]+)', outside, text)

def imports_only(source: str) -> bool:
    try: return all(isinstance(n, ONLY_IMPORTS) for n in ast.parse(source).body)
    except SyntaxError: return False

def prepare_code(cell):
    "Drop directives and fold what is not the lesson; None for a cell without a reader."
    lines = cell.source.split('\n')
    directives = {line[2:].strip() for line in lines if line.startswith('#|')}
    cell.source = '\n'.join(line for line in lines if not line.startswith('#|')).strip()
    if 'hide' in directives or not cell.source: return None
    imports = imports_only(cell.source)
    if imports or 'code-fold: true' in directives: cell.metadata['tags'] = ['hide-input']
    if imports: cell.metadata['mystnb'] = dict(code_prompt_show='Imports', code_prompt_hide='Imports')
    for o in cell.outputs:
        if 'text/markdown' in o.get('data', {}): o.data['text/markdown'] = on_site(o.data['text/markdown'])
    return cell

def prepare(cell):
    if cell.cell_type == 'code': return prepare_code(cell)
    cell.source = on_site(cell.source)
    return cell

def order(index) -> dict:   # part of the course → its notebooks
    "Notebooks as the index lists them; one that it lacks follows the one before it in nbs/."
    text = '\n'.join(c.source for c in index.cells).split('## The course')[1]
    parts = {m[1]: re.findall(r'\((\w+)\.ipynb\)', m[2]) for m in re.finditer(r'\* \*\*(.+?)\*\*(.*)', text)}
    before = None
    for name in sorted(p.stem for p in (ROOT/'nbs').glob('*.ipynb') if p.stem != 'index'):
        if not any(name in names for names in parts.values()):
            names = next((n for n in parts.values() if before in n), list(parts.values())[0])
            names.insert(names.index(before) + 1 if before in names else 0, name)
        before = name
    return parts

def toctree(caption, names) -> str:
    return '\n'.join(['```{toctree}', ':hidden:', f':caption: {caption}', '', *names, '```'])

# ---- modules

def prose(text: str, names: dict) -> str:
    "A docstring as Markdown, with links to the functions and classes that it names."
    def code(m): return f'[{m[0]}]({names[m[1]]})' if m[1] in names else m[0]
    parts = re.split(r'(`[^`]*`)', text)
    parts[::2] = [re.sub(r'([\\*_\[\]<>$#|{}])', r'\\\1', p) for p in parts[::2]]
    return ''.join(re.sub(r'`([\w.]+)`', code, p) for p in parts)

def head(node, lines) -> list:      # lines
    "A definition as it is written, comments beside its arguments included, without its body."
    first = min(n.lineno for n in (node, *node.decorator_list)) - 1
    body = node.body[0].lineno - 1
    return lines[first:max(body, node.lineno)]

def is_public(node) -> bool:
    return isinstance(node, ast.FunctionDef) and (node.name == '__init__' or node.name[0] != '_')

def listing(picked) -> list:
    picked = textwrap.dedent('\n'.join(picked)).rstrip()
    return [f'```python\n{picked}\n```']

def described(title, node, lines, names) -> list:
    "A heading, a definition and what it says of itself."
    return [title, *listing(head(node, lines)), prose(ast.get_docstring(node) or '', names)]

def class_text(node, lines, names) -> list:
    "A class: its fields and short methods, then each method that has a docstring."
    methods = [n for n in node.body if is_public(n)]
    told = [n for n in methods if ast.get_docstring(n)]
    picked = head(node, lines)[:1 + len(node.decorator_list)]
    for n in node.body:
        if isinstance(n, ast.AnnAssign): picked += lines[n.lineno - 1:n.end_lineno]
        elif n in methods and n not in told: picked += head(n, lines)
    out = [f'## {node.name}', *listing(picked), prose(ast.get_docstring(node) or '', names)]
    for n in told: out += described(f'### {node.name}.{n.name}', n, lines, names)
    return out

class Module:
    "A module of the package as its source says: nothing is imported."
    def __init__(self, path):
        self.name = '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__')
        self.text = path.read_text(encoding='utf-8')
        self.tree = ast.parse(self.text)
        self.notebook = re.search(r'File to edit: \S*/(\w+\.ipynb)', self.text)[1]
        listed = next(n for n in self.tree.body if isinstance(n, ast.Assign) and n.targets[0].id == '__all__')
        self.listed = ast.literal_eval(listed.value)

    def definitions(self) -> list:  # [(title, node)]
        found = []
        for n in self.tree.body:
            if not isinstance(n, (ast.FunctionDef, ast.ClassDef)): continue
            patched = [d for d in n.decorator_list if getattr(d, 'id', '') == 'patch']
            if patched and n.name[0] != '_': found.append((f'{n.args.args[0].annotation.id}.{n.name}', n))
            elif n.name in self.listed: found.append((n.name, n))
        return found

    def page(self, names) -> str:
        "Its functions and classes, in Markdown."
        lines = self.text.splitlines()
        out = [f'# {self.name}', prose(ast.get_docstring(self.tree), names),
               f'Made and explained in [](../{self.notebook}).']
        for title,node in self.definitions():
            if isinstance(node, ast.ClassDef): out += class_text(node, lines, names)
            else: out += described(f'## {title}', node, lines, names)
        return '\n\n'.join(filter(None, out)) + '\n'

def write_api(folder, names_of_parts) -> None:
    "One page a module, in the order of the notebooks that make them."
    paths = [p for p in (ROOT/'gram_nb').rglob('*.py') if 'AUTOGENERATED' in p.read_text(encoding='utf-8')]
    modules = [Module(p) for p in paths]
    modules.sort(key=lambda m: names_of_parts.index(m.notebook.removesuffix('.ipynb')))
    names = {title: f'{m.name}.md#{title}' for m in modules for title,_ in m.definitions()}
    folder.mkdir()
    for m in modules: (folder/f'{m.name}.md').write_text(m.page(names), encoding='utf-8')
    rows = [f'| [{m.name}]({m.name}.md) | {prose(ast.get_docstring(m.tree), names)} |' for m in modules]
    text = '\n'.join(['# Modules', '', '| module | its question |', '| --- | --- |', *rows, ''])
    tree = toctree('', [m.name for m in modules]).replace(':caption: \n', '')
    (folder/'index.md').write_text(f'{text}\n{tree}\n', encoding='utf-8')

# ---- the site

def mathjax(folder) -> None:
    "MathJax's one file and its license."
    folder.mkdir(parents=True)
    for path,data in zip(MATHJAX[2:], npm_files(*MATHJAX)): (folder/Path(path).name).write_bytes(data)

def write_sources(folder) -> None:
    "Everything that Sphinx reads."
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT/'site', folder)
    shutil.copytree(ROOT/'images', folder/'images')
    mathjax(folder/'_static'/'mathjax')
    parts = order(nbformat.read(ROOT/'nbs'/'index.ipynb', as_version=4))
    write_api(folder/'api', sum(parts.values(), []))
    for path in sorted((ROOT/'nbs').glob('*.ipynb')):
        nb = nbformat.read(path, as_version=4)
        nb.cells = [c for c in map(prepare, nb.cells) if c]
        if path.stem == 'index':        # as README: without its code
            for c in nb.cells: c.metadata['tags'] = ['remove-input']
            if APP.is_dir(): nb.cells.insert(1, nbformat.v4.new_markdown_cell(TRY))
            trees = [toctree(k, v) for k,v in [*parts.items(), ('Reference', ['api/index'])]]
            nb.cells.append(nbformat.v4.new_markdown_cell('\n\n'.join(trees)))
        nbformat.write(nb, folder/path.name)

class Page(HTMLParser):
    "What a page of HTML names: its anchors, its links, and what it loads by itself."
    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loads = set(), set(), set()
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        a = {k: v for k,v in attrs if v}
        self.ids |= {a[k] for k in ('id', 'name') if k in a}
        followed = tag == 'a' or a.get('rel') in ('canonical', 'license')       # by a reader
        href = {a['href']} if 'href' in a else set()
        if followed: self.links |= href
        else: self.loads |= href
        self.loads |= {a[k] for k in ('src', 'data', 'poster') if k in a}

def is_outside(url: str) -> bool: return bool(re.match(r'(\w+:)?//', url))

def faults(site) -> list:
    "Links and anchors that lead nowhere, and whatever would be loaded from elsewhere."
    paths = [p for p in sorted(site.rglob('*.html')) if '_static' not in p.relative_to(site).parts]
    pages = {p.resolve(): Page(p) for p in paths}
    found = []
    for path,page in pages.items():
        where = path.relative_to(site.resolve()).as_posix()
        found += [f'{where} loads {u}' for u in page.loads if is_outside(u)]
        for u in page.links | page.loads:
            ours = re.search(r'gram-nb/gram_nb/(?:blob|tree)/main/([^?#]+)', u)
            if ours and not (ROOT/unquote(ours[1])).exists():
                found.append(f'{where} links to {u}, which the repository lacks')
            if urlsplit(u).scheme or is_outside(u): continue
            parts = urlsplit(u)
            to = (path.parent/unquote(parts.path)).resolve() if parts.path else path
            if not to.is_file(): found.append(f'{where} links to {u}, which is not there')
            elif parts.fragment and to in pages and unquote(parts.fragment) not in pages[to].ids:
                found.append(f'{where} links to {u}, an anchor that is not there')
    for path in sorted(site.rglob('*.css')):
        urls = re.findall(r'(?:url\(|@import)\s*["\']?([^"\')\s]+)', path.read_text(encoding='utf-8'))
        found += [f'{path.relative_to(site).as_posix()} loads {u}' for u in urls if is_outside(u)]
    return found

def build(
    out: Path,      # the site
    work: Path,     # what Sphinx reads and keeps
) -> int:           # Sphinx's exit status
    "Build the site anew. Every warning is an error."
    write_sources(work/'site')
    html = work/'html'
    for d in (html, out): shutil.rmtree(d, ignore_errors=True)
    options = ('-b', 'html', '-W', '--keep-going', '-q', '-E', '-j', '2', '-d', work/'doctrees')
    done = subprocess.run([sys.executable, '-m', 'sphinx', *options, work/'site', html])
    if done.returncode: return done.returncode
    shutil.move(html, out)                              # what myst-nb leaves beside it stays in `work`
    if APP.is_dir(): shutil.copytree(APP, out/'explorer')
    return done.returncode

@call_parse
def main(
    out: Path=ROOT/'_site',     # The site
    check: bool=False,          # Only look for faults in what is there
):
    "Build the site and look for broken links and outside requests in it. Nothing is executed."
    sys.stdout.reconfigure(errors='replace')
    if not check and build(out, ROOT/'build'): sys.exit('make_site: Sphinx warns, see above')
    found, pages = faults(out), len(list(out.rglob('*.html')))
    for f in found: print(f)
    print(f'{out}: {pages} pages, {len(found)} faults')
    sys.exit(bool(found) or not pages)
