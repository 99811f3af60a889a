"Everything is set in settings.ini; edit there, not here."
import shlex, shutil
from configparser import ConfigParser
from pathlib import Path

from packaging.version import parse
import setuptools
from setuptools.command.build_py import build_py

assert parse(setuptools.__version__) >= parse('61')
root = Path(__file__).resolve().parent
config = ConfigParser(delimiters=['='])
config.read(root/'settings.ini', encoding='utf-8')
cfg = config['DEFAULT']

class WithData(build_py):
    "The clone's data/ becomes the package's own."
    def run(self):
        super().run()
        if self.editable_mode: return
        shutil.copytree(root/'data', Path(self.build_lib)/'gram_nb'/'data', dirs_exist_ok=True)

setuptools.setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    keywords=cfg['keywords'],
    author=cfg['author'],
    author_email=cfg['author_email'],
    license='Apache-2.0',
    long_description=(root/'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    packages=setuptools.find_packages(include=['gram_nb', 'gram_nb.*']),
    package_data={'gram_nb': ['weights/*']},
    cmdclass=dict(build_py=WithData),
    python_requires='>=' + cfg['min_python'],
    install_requires=shlex.split(cfg['requirements']),
    extras_require={k: shlex.split(cfg[f'{k}_requirements']) for k in ('dev', 'hub', 'arc', 'images', 'app', 'site')},
    entry_points={
        'console_scripts': cfg['console_scripts'].split('\n'),
        'nbdev': [f"{cfg['lib_name']}={cfg['lib_name']}._modidx:d"],
    },
    zip_safe=False,
)
