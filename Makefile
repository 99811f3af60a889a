# `make demo` and `make test` are the two commands; both make what they need.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
MINUTES ?= 6
OUT ?= runs/demo
NBS ?=

.PHONY: help demo test lab app numbers verify reproduce export notebooks readme check clean

help:            ## this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*##/\t/'

demo: $(VENV)/package       ## train baseline and GRAM on 8×8 N-Queens (MINUTES=6), compare, draw figures
	$(BIN)/gram_demo --minutes $(MINUTES) --out $(OUT)

test: $(VENV)/dev           ## nbdev_test over every notebook, then the other tests
	OMP_NUM_THREADS=1 $(BIN)/nbdev_test --n_workers 2 --timing
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests

lab: $(VENV)/dev            ## open the notebooks
	$(BIN)/jupyter lab --notebook-dir=. --LabApp.default_url=/lab/tree/nbs/index.ipynb

app: $(VENV)/dev            ## the explorer as an app in the browser (Voilà)
	$(BIN)/voila nbs/10_explore.ipynb

verify: $(VENV)/package     ## are data, logs, results and weights what they were? (checksums)
	$(BIN)/python scripts/verify.py

reproduce: $(VENV)/dev      ## make every figure and number of a CPU again (hours); then see git diff and make verify
	PATH="$(abspath $(BIN)):$$PATH" scripts/reproduce.sh

export: $(VENV)/dev         ## notebooks -> package, cleaned
	$(BIN)/nbdev_export && $(BIN)/nbdev_clean

notebooks: $(VENV)/dev      ## execute notebooks (NBS="..." for some) from a fresh kernel, keep the outputs
	OMP_NUM_THREADS=1 $(BIN)/python scripts/run_notebooks.py --inplace $(NBS) && $(BIN)/nbdev_clean

numbers: $(VENV)/dev        ## numbers in the notebooks' prose from the result files
	$(BIN)/python scripts/numbers_in_prose.py && $(BIN)/nbdev_clean

readme: $(VENV)/dev         ## README.md from nbs/index.ipynb
	$(BIN)/python scripts/readme.py

check: $(VENV)/dev          ## is everything that is generated up to date?
	$(BIN)/python scripts/check.py

clean:           ## remove the environment and generated files, not the runs
	rm -rf $(VENV) _proc _docs *.egg-info

# torch first and alone: the constraint keeps pip from choosing another build afterwards
$(VENV)/package: settings.ini setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3,10) and "gram_nb needs Python 3.10 or newer, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	@touch $@

$(VENV)/dev: $(VENV)/package
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@
