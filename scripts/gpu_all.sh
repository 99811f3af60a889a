#!/usr/bin/env bash
# Many trainings at once on one GPU: a small model leaves most of a large GPU idle, and processes can share it.
#
#   scripts/gpu_all.sh share           let their kernels run side by side (NVIDIA's MPS), if that works here
#   scripts/gpu_all.sh start           start them, or go on with them; they go on after this script has ended
#   scripts/gpu_all.sh watch SECONDS   wait until all have ended or the time is over; the last line of each
#   scripts/gpu_all.sh collect OUT     logs, metrics and best weights in bf16, an archive for each folder
#
# LIST=scripts/gpu_runs.txt   which trainings       LENGTH='--minutes 7.5 --set precision=bf16'   of each
# WORK=/tmp/gram_all   where runs and logs live     PYTHON=python3
# Wheels of what the machine lacks can lie in wheels/ (bare.sh).
set -uo pipefail
cd "$(dirname "$0")/.."
LIST=${LIST:-scripts/gpu_runs.txt}; LENGTH=${LENGTH:---minutes 7.5 --set precision=bf16}
WORK=${WORK:-/tmp/gram_all}
mkdir -p "$WORK/logs"
. scripts/bare.sh
export OMP_NUM_THREADS=1 TORCHINDUCTOR_COMPILE_THREADS=2 TQDM_MININTERVAL=5

share() {
    command -v nvidia-cuda-mps-control >/dev/null || { echo 'no MPS here: processes take turns'; return; }
    timeout 20 nvidia-cuda-mps-control -d
    timeout 60 "$PYTHON" -c 'import torch; print(torch.ones(9).cuda().sum().item(), "with MPS")' && return
    echo quit | timeout 20 nvidia-cuda-mps-control; echo 'MPS does not work here: processes take turns'
}

runs() { grep -v '^#' "$LIST"; }
log() { echo "$WORK/logs/${1/\//-}.log"; }
running() { pgrep -f "gram_train.*$WORK/runs/$1( |\$)" >/dev/null; }

start() {
    while read -r run words; do
        running "$run" && continue
        mkdir -p "$(dirname "$WORK/runs/$run")"
        setsid nohup "$PYTHON" tools/run.py gram_train $words $LENGTH --out "$WORK/runs/$run" \
            >>"$(log "$run")" 2>&1 </dev/null &
    done < <(runs)
}

watch() {
    local end=$((SECONDS + $1)) run words
    while [ $SECONDS -lt $end ] && running '.*'; do sleep 2; done
    while read -r run words; do echo "$run: $(tr '\r' '\n' <"$(log "$run")" | tail -1 | cut -c1-110)"; done < <(runs)
}

collect() {
    mkdir -p "$1"
    while read -r run words; do
        "$PYTHON" tools/keep_run.py "$WORK/runs/$run" "$WORK/kept/$run" >>"$WORK/logs/collect.log" 2>&1 &
    done < <(runs)
    wait
    for folder in "$WORK"/kept/*; do tar czf "$1/$(basename "$folder").tgz" -C "$WORK/kept" "$(basename "$folder")"; done
    tar czf "$1/logs.tgz" -C "$WORK" logs
    ls -l "$1"
}

"${@:?what to do: share, start, watch SECONDS or collect OUT}"
