"""A console script without installing the package, also under torchrun:
`python tools/run.py gram_train --preset tiny --updates 60 --out runs/a`."""
import configparser, importlib, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

def console_scripts() -> dict:      # name → 'module:function'
    "The scripts that settings.ini declares."
    config = configparser.ConfigParser(delimiters=['='])
    config.read(ROOT/'settings.ini', encoding='utf-8')
    return dict(line.strip().split('=') for line in config['DEFAULT']['console_scripts'].splitlines())

if __name__ == '__main__':
    name, scripts = sys.argv.pop(1) if len(sys.argv) > 1 else '', console_scripts()
    if name not in scripts: sys.exit(f'unknown console script {name!r}: choose one of {", ".join(scripts)}')
    module, function = scripts[name].split(':')
    sys.argv[0] = name
    sys.exit(getattr(importlib.import_module(module), function)())
