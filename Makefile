# Two commands for a newcomer: `make demo` and `make test`. Both install what they need into .venv first.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
JOBS   ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

.PHONY: setup tools demo test test-gpu lint bench bench-gpu bench-compare clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   does AdaLN or a token tell the time better? an answer on embedded photographs (6 minutes on 2 cores)"
	@echo "make test   lint, types and tests, as CI runs them; of speed they hold counts, never a time"
	@echo "make bench  every measured figure: ratios, peaks, MFU, memory (an hour on a machine that does nothing else)"
	@echo "make bench-compare  hot paths against the last that were saved on this machine"
	@echo "make test-gpu, make bench-gpu  the same on a CUDA GPU: two minutes, ten minutes"
	@echo "make setup  only install: into $(VENV), and by apt what tests run beside Python"

setup: $(STAMP) tools

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "uvit needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

# what tests run beside Python, as command:Debian package; tests that lack one skip
TOOLS := pdflatex:texlive-latex-recommended chromium:chromium chromedriver:chromium-driver pdftoppm:poppler-utils

# installed by apt where that is possible, else named in one line; never a failure
tools:
	@missing=; for pair in $(TOOLS); do \
	  command -v "$${pair%%:*}" >/dev/null 2>&1 || missing="$$missing $${pair#*:}"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	    apt-get -qq install --yes --no-install-recommends $$missing; } >/dev/null 2>&1 && exit 0; \
	fi; \
	echo "not installed, so tests of tables and pages skip:$$missing (Debian packages)" >&2

demo: $(STAMP)
	$(BIN)/uvit run time --budget demo --out runs/demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: setup lint
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadfile -m "not bench and not cuda"

# what only a CUDA GPU can show; CI has none
test-gpu: setup
	$(BIN)/pytest tests/gpu -m "cuda and not bench"

# training against the official step, and the presets' profile with MFU
bench-gpu: setup
	$(BIN)/pytest tests/gpu -m "cuda and bench"
	$(BIN)/python -m tests.gpu.profile_presets runs/gpu

# every measured figure of docs/performance.md; an hour on two cores that do nothing else
bench: setup
	$(BIN)/pytest tests/benchmarks -m bench

# hot paths against the last that were saved on this machine, in .benchmarks/; exit code 1 where one got slower
bench-compare: setup
	$(BIN)/pytest tests/benchmarks/test_hot_paths.py -m bench --benchmark-autosave --benchmark-save-data
	$(BIN)/python -m bench.profile.regression .benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
