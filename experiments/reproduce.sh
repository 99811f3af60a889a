#!/usr/bin/env bash
# Every figure and number that a CPU can make, again: about ten hours on two cores. Finished trainings under runs/ are kept and resumed, so it can be stopped.
# Trainings by the clock do not repeat to the byte; everything after them follows from their weights.
set -euo pipefail
cd "$(dirname "$0")/.."
gram_demo --minutes 6 --out runs/demo                                                       # README, first rows
gram_train --preset nqueens8-demo --minutes 20 --settings '{"validations": 20}' --out runs/gram
gram_train --preset nqueens8-baseline --out runs/baseline
cp runs/demo/metrics.json data/runs/demo/
for m in gram baseline; do
    cp runs/$m/{config.json,log.csv,valid.csv,answers.safetensors} data/runs/nqueens8-rows/$m/
done
cp runs/gram/best.safetensors gram_nb/weights/nqueens8-rows.safetensors
cp runs/baseline/best.safetensors data/runs/nqueens8-rows/baseline/
python -c "import json; print(json.dumps({m: json.load(open(f'runs/{m}/metrics.json')) for m in ('gram','baseline')}, indent=1), file=open('data/runs/nqueens8-rows/metrics.json','w'))"
gram_train --preset nqueens8-fast --out runs/board                                          # notebook 12
cp runs/board/{config.json,log.csv,valid.csv,answers.safetensors,metrics.json,manifest.json} data/runs/nqueens8-board/
python scripts/ship.py runs/board
OMP_NUM_THREADS=1 gram_train --preset nqueens8-demo --minutes 25 --settings '{"charge": "prior", "validations": 10}' --out runs/fair                          # notebook 16
python scripts/collect_run.py runs/fair data/runs/nqueens8-fair
OMP_NUM_THREADS=1 gram_train --preset nqueens8-demo --minutes 25 --settings '{"charge": "prior", "validations": 10, "seed": 1}' --out runs/fair1
python scripts/collect_run.py runs/fair1 data/runs/nqueens8-fair-seed1
gram_bench --preset nqueens8-fast --out data/results/bench-nqueens8-fast.json
export OMP_NUM_THREADS=1                                                                    # many small models: one thread is faster
while IFS='|' read -r preset name gram baseline settings; do                                # notebooks 13 and 14
    gram_train --preset $preset --$gram --out runs/$name/gram
    gram_train --preset $preset --$baseline --settings "$settings" --out runs/$name/baseline
    python scripts/keep.py runs/$name data/runs/$name
done <<'RUNS'
nqueens10-fast|nqueens10-rows|minutes=80|updates=2500|{"model": "rrm", "validations": 2}
coloring8-fast|coloring8-vertices|minutes=24|updates=1000|{"model": "rrm", "validations": 3}
coloring10-fast|coloring10-vertices|minutes=62|updates=1000|{"model": "rrm", "validations": 3}
RUNS
python scripts/heads.py
python scripts/noise_scale.py
rm -f data/results/ablations.json
python scripts/ablations.py
python scripts/positions.py
python scripts/kill_test.py
python scripts/sampler.py
python scripts/sure.py
python scripts/beyond.py
python scripts/response_times.py
python scripts/figures.py
python scripts/gif.py
python scripts/run_notebooks.py --inplace
python scripts/numbers_in_prose.py
nbdev_clean
python scripts/readme.py
python scripts/verify.py --update
