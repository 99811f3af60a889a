"The inputs that tests/test_hostile.py and tests/test_cli.py send, and the line each is answered with, as a table: `python scripts/refused.py` writes data/results/refused_inputs.md."
import os, sys, tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT/'tests'))
import test_cli, test_hostile
from gram_nb.problems import InputError
from gram_nb.train import load_model, load_tensors, save_tensors
from dataclasses import asdict

def answer(call):
    try: call()
    except InputError as e: return str(e)
    return 'ACCEPTED'

rows = []
with tempfile.TemporaryDirectory() as d:
    os.chdir(d)
    model, _ = test_hostile.TINY.build()
    save_tensors('good.safetensors', model.state_dict(), config=asdict(test_hostile.TINY))
    good = Path('good.safetensors').read_bytes(), *load_tensors('good.safetensors')
    for how in test_hostile.CHECKPOINTS:
        (folder := Path(how)).mkdir()
        rows.append((f'checkpoint: {how.replace("_", " ")}', answer(lambda: load_model(test_hostile.damaged(how, good, folder))).replace(f'{how}/', '')))
    rows += [(name, answer(call)) for name,(call,_) in test_hostile.OTHERS.items()]
    test_cli.make_files(Path('.'))
    rows += [(f'console: {name}', test_cli.run(*command, cwd=d).stderr.strip()) for name,(command,_) in test_cli.MISTAKES.items()]
table = '\n'.join(f'| {a} | {b.replace("|", "/")} |' for a,b in rows)
(ROOT/'data'/'results'/'refused_inputs.md').write_text(f'# Refused inputs\n\nMade by `python scripts/refused.py`: {len(rows)} inputs and the one line that answers each.\n\n| input | answer |\n|---|---|\n{table}\n')
print(len(rows), 'rows', sum(b == 'ACCEPTED' for _,b in rows), 'accepted')
