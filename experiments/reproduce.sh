#!/usr/bin/env bash
# Every figure and number that a CPU can make, again: about ten hours on two cores. Finished trainings under runs/ are
# only loaded, and a cut one is resumed, so this can be stopped. Trainings by the clock do not repeat to the byte;
# everything after them follows from their weights.
set -euo pipefail
cd "$(dirname "$0")/.."

keep() { python tools/keep_run.py "runs/$1" "data/runs/$1" "${@:2}"; }

experiment() {      # NAME [ARGUMENTS]: its results are made anew; after a stop it goes on
    local begun=runs/reproduce/$1.begun done="runs/reproduce/$*.done"
    mkdir -p runs/reproduce
    [ -e $begun ] || rm -f data/results/$1.json
    touch $begun
    [ -e "$done" ] || python experiments/$1.py "${@:2}"
    touch "$done"
}

# what `make demo` makes
gram_demo --minutes 6 --out runs/demo
keep demo --leave 'log.csv weights.safetensors'
for name in demo-seed1 demo-seed2; do
    gram_demo --minutes 6 --seed ${name: -1} --out runs/$name
    keep $name --leave 'log.csv answers.safetensors weights.safetensors'
done

# the shipped weights, row encoding and board encoding
two='--set K=2 --set blocks=2 --set noise_first=1 --set noise_last=1'
gram_train --preset nqueens8-baseline --minutes 3 --out runs/nqueens8-rows/baseline
gram_train --preset nqueens8-demo --minutes 20 $two --set validations=20 --out runs/nqueens8-rows/gram
keep nqueens8-rows --ship
gram_train --preset nqueens8-fast --minutes 95 --out runs/nqueens8-board
keep nqueens8-board --ship
gram_train --preset nqueens8-fast --set on_policy=0 --out runs/nqueens8-board-posterior
keep nqueens8-board-posterior --leave 'log.csv answers.safetensors weights.safetensors'
gram_bench --preset nqueens8-fast --out data/results/bench-nqueens8-fast.json

# smaller models, many of them: one thread is faster
export OMP_NUM_THREADS=1
for seed in 0 1; do
    name=nqueens8-fair$([ $seed = 0 ] || echo -seed$seed)
    gram_train --preset nqueens8-demo --minutes 25 $two --set kl_transitions=prior --set validations=10 --seed $seed --out runs/$name
    keep $name --leave log.csv
done

# one state on the board
for seed in 0 1; do
    name=nqueens8-one-state$([ $seed = 0 ] || echo -seed$seed)
    gram_train --preset nqueens8-fast --updates 12000 --set K=0 --set blocks=4 --seed $seed --out runs/$name
    keep $name --leave 'log.csv answers.safetensors weights.safetensors'
done

pair() {    # NAME PRESET, then the length of GRAM, of the baseline, and the settings of both and of the baseline alone
    gram_train --preset $2 $3 $5 --out runs/$1/gram
    gram_train --preset $2 $4 $5 $6 --set model=rrm --out runs/$1/baseline
    keep $1 --leave log.csv "${@:7}"
}
pair nqueens10-rows nqueens10-fast '--minutes 80' '--updates 2500' '' '--set validations=2'
pair coloring8-vertices coloring8-fast '--minutes 24' '--updates 1000' '' '--set validations=3' --ship
pair coloring10-vertices coloring10-fast '--minutes 62' '--updates 1000' '' '--set validations=3' --ship
pair coloring8-pairs coloring8-fast '--minutes 20' '--minutes 4' '--set problem=coloring8-pairs --set augment=false' ''
gram_train --preset coloring8-fast --minutes 35 --out runs/coloring8-longer
keep coloring8-longer --leave 'log.csv answers.safetensors weights.safetensors'

# Sudoku: trains, keeps and ships sudoku4, sudoku4-blank, sudoku6, sudoku6-blank, sudoku9 and sudoku9-blank
experiment sudoku

# images: trains, keeps and ships digits8 and digits8-class
experiment images
experiment images --movie

# ARC-AGI, 9×9 grids from nothing, and queens at a larger size were trained on a GPU by scripts/gpu_all.sh:
# nqueens8-h100, nqueens8-h100-seed2, nqueens8-line, nqueens10-h100, nqueens10-h100-seed2, sudoku9-blank, arc1-10x10;
# with LIST=scripts/gpu_quarter.txt nqueens8-quarter, nqueens8-quarter-seed2, nqueens8-quarter-line,
# nqueens8-quarter-line-seed2 and arc1-10x10-narrow.
# With a GPU do that first (CONTRIBUTING). What follows takes their weights from runs/.

# figures that follow from these weights, and small trainings
[ -e runs/reproduce/ablations.begun ] || rm -f data/results/{positions,components}.json     # of ablations.py too
experiment heads
experiment heads nqueens8-board
experiment halting
experiment halting --weights nqueens8-board
for name in splits rows annealing noise_scale uniformity selection ablations on_policy drift kill_test refused response_times static_times gif; do
    experiment $name
done
experiment arc
experiment arc --noise
experiment arc --paper
experiment arc --beta
experiment families              # days of one thread; two may share the work: start it twice

python tools/run_notebooks.py --inplace
nbdev_clean
python experiments/gallery.py
python tools/readme.py
python tools/verify.py --update
