"Kill a training run with SIGKILL at random moments, resume it, and compare with an uninterrupted one: `python scripts/kill_test.py [--kills 20]` writes data/results/kill_test.json."
import argparse, hashlib, json, random, signal, subprocess, sys, tempfile, time
from pathlib import Path

BIN = Path(sys.executable).parent
COMMAND = ['gram_train', '--preset', 'tiny', '--updates', '3000', '--settings', '{"validations": 60}', '--out']
FILES = ('log.csv', 'best.safetensors')

def start(folder): return subprocess.Popen([BIN/COMMAND[0], *COMMAND[1:], folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

def digests(folder): return {n: hashlib.sha256((Path(folder)/n).read_bytes()).hexdigest() for n in FILES}

def updates(folder):
    "Updates in the log so far."
    try: return len((Path(folder)/'log.csv').read_bytes().splitlines()) - 1
    except OSError: return 0

def kill_and_compare(folder, kills, seed=0):
    "A report: when the run was killed, and whether its files equal the uninterrupted run's, byte for byte."
    folder, rng, report = Path(folder), random.Random(seed), []
    began = time.monotonic()
    assert start(folder/'whole').wait() == 0
    whole = time.monotonic() - began
    while len(report) < kills:
        p, before = start(folder/'cut'), updates(folder/'cut')
        # anywhere from the first moments of the start to a few checkpoints on, so that all kills fit into one run
        try: p.wait(timeout=rng.uniform(.03, .12)*whole); break      # complete before the kill
        except subprocess.TimeoutExpired: p.send_signal(signal.SIGKILL); p.wait()
        report.append(dict(resumed_at=before, killed_at=updates(folder/'cut'), left_over=sorted(f.name for f in (folder/'cut').glob('*.tmp')) if (folder/'cut').is_dir() else []))
    while start(folder/'cut').wait() != 0: pass
    a, b = digests(folder/'whole'), digests(folder/'cut')
    return dict(count=len(report), seconds_uninterrupted=round(whole,1), kills=report, identical={n: a[n] == b[n] for n in FILES}, sha256=a)

if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--kills', type=int, default=20)
    args = ap.parse_args()
    from gram_nb.cli import machine
    with tempfile.TemporaryDirectory() as d: report = kill_and_compare(d, args.kills)
    out = Path(__file__).resolve().parents[1]/'data'/'results'/'kill_test.json'
    out.write_text(json.dumps(dict(command=f'python scripts/kill_test.py --kills {args.kills}', machine=machine(), run=' '.join(COMMAND[:-1]), **report), indent=1))
    print(f"{len(report['kills'])} kills, at updates {[k['killed_at'] for k in report['kills']]}; identical: {report['identical']}")
    sys.exit(not all(report['identical'].values()))
