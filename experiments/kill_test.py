"""Kill a training with SIGKILL at random moments, resume it, and compare with an uninterrupted one:
`python experiments/kill_test.py [--kills 20]` writes data/results/kill_test.json."""
import hashlib, random, signal, subprocess, sys, tempfile, time
from pathlib import Path

from fastcore.script import call_parse
from store import machine, save

BIN = Path(sys.executable).parent
COMMAND = 'gram_train --preset tiny --updates 3000 --set validations=60'
FILES = ('log.csv', 'best.safetensors')

def start(folder: Path):
    name, *options = COMMAND.split()
    how = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return subprocess.Popen([BIN/name, *options, '--out', folder], **how)

def digests(folder: Path) -> dict:
    return {n: hashlib.sha256((folder/n).read_bytes()).hexdigest() for n in FILES}

def updates(folder: Path) -> int:
    "Updates in the log so far."
    try: return len((folder/'log.csv').read_bytes().splitlines()) - 1
    except OSError: return 0

def kill_one(folder: Path, seconds: float) -> dict:     # nothing if the run was complete before
    "Start or resume the run, and kill it after so many seconds."
    p, before = start(folder), updates(folder)
    try: p.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        p.send_signal(signal.SIGKILL); p.wait()
        left_over = sorted(f.name for f in folder.glob('*.tmp'))
        return dict(resumed_at=before, killed_at=updates(folder), left_over=left_over)

def kill_and_compare(folder: Path, kills: int, seed: int=0) -> dict:
    "When the run was killed, and whether its files equal the uninterrupted run's, byte for byte."
    whole, cut, rng, report = folder/'whole', folder/'cut', random.Random(seed), []
    began = time.monotonic()
    assert start(whole).wait() == 0
    seconds = time.monotonic() - began
    while len(report) < kills:
        # from the first moments of the start to a few checkpoints on, so that all kills fit into one run
        killed = kill_one(cut, rng.uniform(.03, .12)*seconds)
        if not killed: break
        report.append(killed)
    while start(cut).wait() != 0: pass
    a, b = digests(whole), digests(cut)
    return dict(count=len(report), seconds_uninterrupted=round(seconds, 1), kills=report,
                identical={n: a[n] == b[n] for n in FILES}, sha256=a)

@call_parse
def main(
    kills: int=20,  # How often the run is killed
):
    "Kill a training at random moments, and compare with an uninterrupted one."
    with tempfile.TemporaryDirectory() as d: report = kill_and_compare(Path(d), kills)
    command = f'python experiments/kill_test.py --kills {kills}'
    save('kill_test', dict(command=command, machine=machine(), run=COMMAND, **report))
    print(f"{report['count']} kills, at updates {[k['killed_at'] for k in report['kills']]}")
    print(f"identical: {report['identical']}")
    sys.exit(not all(report['identical'].values()))
