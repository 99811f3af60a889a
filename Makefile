# `make demo` and `make test` are the two commands; both make what they need.
PYTHON ?= python3
VENV ?= .venv
MINUTES ?= 6
OUT ?= runs/demo
NBS ?=
PORT ?= 8888
BROWSER ?= yes
ARGS ?=

# names with spaces: escaped for make, quoted for the shell
space := $(subst ,, )
BIN := "$(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)"
MADE := $(subst $(space),\ ,$(VENV))
LAB := --config=tools/lab_config.py --notebook-dir=. --LabApp.default_url=/lab/tree/nbs/index.ipynb --port=$(PORT) \
	$(if $(filter no none false off 0,$(BROWSER)),--no-browser) $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help demo test lab app app-static verify data manifest reproduce export notebooks readme site check clean

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*##/\t/'

demo: $(MADE)/package       ## train baseline and GRAM on 8×8 N-Queens (MINUTES=6), compare, draw figures into OUT=runs/demo
	$(BIN)/gram_demo --minutes $(MINUTES) --out "$(OUT)"

test: $(MADE)/dev           ## nbdev_test over every notebook, then the other tests
	OMP_NUM_THREADS=1 GRAM_MINUTES=.03 $(BIN)/nbdev_test --n_workers 2 --timing
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --durations=10 tests

lab: $(MADE)/dev            ## open the notebooks in JupyterLab (PORT=8888, BROWSER=no to open none, ARGS="...")
	$(BIN)/jupyter lab $(LAB) $(ARGS)

app: $(MADE)/dev            ## the explorer alone, as an app in the browser (Voilà; ARGS="--port=8866 --no-browser")
	$(BIN)/voila nbs/25_app.ipynb $(ARGS)

app-static: $(MADE)/app     ## the explorer as static files in _app/, to open in a browser without a server (npm)
	OMP_NUM_THREADS=1 $(BIN)/python tools/app_static.py $(ARGS)

verify: $(MADE)/package     ## are data, logs, results and weights what they were? (checksums)
	$(BIN)/python tools/verify.py

manifest: $(MADE)/package   ## write the checksums of data, logs, results and weights anew
	$(BIN)/python tools/verify.py --update

data: $(MADE)/package       ## make the puzzles that are files again (minutes), and check them
	OMP_NUM_THREADS=1 $(BIN)/python experiments/sudoku.py --data
	$(BIN)/gram_data --check data/nqueens8.csv
	$(BIN)/gram_data --problem sudoku9 --check data/sudoku9.csv

reproduce: $(MADE)/app      ## make every figure and number of a CPU again (hours); then see git diff and make verify
	PATH="$$(cd $(BIN) && pwd):$$PATH" experiments/reproduce.sh

export: $(MADE)/dev         ## notebooks -> package, cleaned
	$(BIN)/nbdev_export && $(BIN)/nbdev_clean

notebooks: $(MADE)/dev      ## execute notebooks (NBS="..." for some) from a fresh kernel, keep the outputs
	OMP_NUM_THREADS=1 $(BIN)/python tools/run_notebooks.py --inplace $(NBS) && $(BIN)/nbdev_clean

readme: $(MADE)/dev         ## README.md from nbs/index.ipynb
	$(BIN)/python tools/readme.py

site: $(MADE)/site app-static       ## the course as a website in _site/, from the committed outputs (npm)
	$(BIN)/python tools/make_site.py

check: $(MADE)/dev          ## is everything that is generated up to date, and the code in order?
	$(BIN)/python tools/check.py

clean:           ## remove the environment and generated files, not the runs
	rm -rf "$(VENV)" _proc _docs _site _app build dist *.egg-info

# torch first and alone: the constraint keeps pip from choosing another build afterwards
$(MADE)/package: settings.ini setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3,10) and "gram_nb needs Python 3.10 or newer, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv "$(VENV)"
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	@touch "$@"

$(MADE)/dev: $(MADE)/package
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch "$@"

$(MADE)/app: $(MADE)/dev
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[app]'
	@touch "$@"

$(MADE)/site: $(MADE)/dev
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[site]'
	@touch "$@"
