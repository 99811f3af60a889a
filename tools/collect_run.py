"Copy what is worth keeping of a run: `python scripts/collect_run.py RUN OUT`. Logs and metrics as they are, the best weights in bf16, figures; no file larger than 16 MiB."
import json, shutil, sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import matplotlib; matplotlib.use('Agg')
import matplotlib.pyplot as plt
from gram_nb.plots import plot_accuracy, plot_by_step
from gram_nb.train import copy_as_bf16, read_csv

run, out = map(Path, sys.argv[1:])
out.mkdir(parents=True, exist_ok=True)
for name in ('config.json','log.csv','valid.csv','metrics.json','manifest.json','answers.safetensors'):
    if (run/name).is_file() and (run/name).stat().st_size < 16 * 2**20: shutil.copy(run/name, out/name)
if (run/'best.safetensors').is_file():
    copy_as_bf16(run/'best.safetensors', out/'weights-bf16.safetensors')
    assert (out/'weights-bf16.safetensors').stat().st_size < 20 * 2**20
if (run/'valid.csv').is_file() and len(read_csv(run/'valid.csv').get('update', ())) > 1:
    log, (fig, axs) = read_csv(run/'log.csv'), plt.subplots(1, 3, figsize=(11,2.9), layout='constrained')
    plot_accuracy(axs[0], read_csv(run/'valid.csv'))
    plot_by_step(axs[1], log, 'cross_entropy', 'cross-entropy (nats per token)')
    plot_by_step(axs[2], log, 'kl', 'KL of the last transition (nats)')
    fig.savefig(out/'training.png', dpi=130)
print('collected', sorted(p.name for p in out.iterdir()))
