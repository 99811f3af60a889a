"Files of packages on npm, for the site and the static explorer. What was fetched once stays in build/."
import shutil, subprocess, sys, tarfile
from pathlib import Path

BUILD = Path(__file__).resolve().parents[1]/'build'

def npm_files(
    package: str,
    version: str,
    *names: str,    # within the package
) -> list:          # bytes of each
    "Read files of an npm package. Without npm, or without a network, end with one line that says so."
    archive = BUILD/f'{package}-{version}.tgz'
    if not archive.exists():
        npm = shutil.which('npm')
        if not npm: sys.exit('npm is missing: install Node.js, then try again')
        BUILD.mkdir(exist_ok=True)
        done = subprocess.run([npm, 'pack', '--silent', f'{package}@{version}'], cwd=BUILD)
        if done.returncode: sys.exit(f'npm could not fetch {package} {version}: is there a network?')
    with tarfile.open(archive) as t: return [t.extractfile(f'package/{n}').read() for n in names]
