#!/usr/bin/env bash
# A training on a bare machine that has PyTorch and no network: benchmark, train, evaluate, draw, all into one folder.
#
#   scripts/gpu_run.sh OUT [PRESET [SETTINGS]]      e.g.  scripts/gpu_run.sh out nqueens8-fast '{"batch": 768}'
#   WORK=/tmp/gram_run   where checkpoints live (large; not copied)      PYTHON=python3
#
# Start it again after a cut: it goes on from the last checkpoint. Logs, metrics, figures and the best weights in bf16
# are copied to OUT every minute and at the end; no file there is larger than 16 MiB.
# Wheels of what the machine lacks can lie in wheels/ (bare.sh).
set -uo pipefail
cd "$(dirname "$0")/.."
OUT=${1:?usage: scripts/gpu_run.sh OUT [PRESET [SETTINGS]]}; PRESET=${2:-nqueens8-fast}; SETTINGS=${3:-"{}"}
WORK=${WORK:-/tmp/gram_run}/$PRESET
mkdir -p "$OUT" "$WORK"
. scripts/bare.sh
"$PYTHON" -c 'import torch, fastcore, filelock, safetensors, tqdm
print("torch", torch.__version__, torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU only")' || exit 3

collect() { [ -d "$WORK/run" ] && "$PYTHON" tools/keep_run.py "$WORK/run" "$OUT" --figure >>"$OUT/collect.log" 2>&1; }
(while sleep 60; do collect; done) & minutely=$!
trap 'kill $minutely 2>/dev/null; collect' EXIT

script() { "$PYTHON" tools/run.py "$@" --preset "$PRESET" --settings "$SETTINGS"; }
[ -s "$OUT/bench.json" ] || script gram_bench --out "$OUT/bench.json" 2>&1 | tee "$OUT/bench.log"
script gram_train --out "$WORK/run" \
    2> >(tr '\r' '\n' | awk 'NR % 50 == 1; fflush()' >>"$OUT/progress.log") | tee -a "$OUT/train.log"
