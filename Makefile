# Two commands for a newcomer: `make demo` and `make test`. Both install what they need into .venv first.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
JOBS   ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

.PHONY: setup demo test lint bench bench-compare clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   train the five skip-fusion variants on embedded photographs (6 minutes on 2 cores)"
	@echo "make test   lint, types and tests, as CI runs them"
	@echo "make bench  every measured speed and memory figure (an hour)"
	@echo "make bench-compare  hot paths against the last that were saved on this machine"
	@echo "make setup  only install into $(VENV)"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "uvit needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup
	$(BIN)/uvit run skip --budget demo --out runs/demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: setup lint
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadfile -m "not bench and not gate"
	$(BIN)/pytest tests/benchmarks -m gate

# every measured figure of docs/performance.md; an hour on two cores that do nothing else
bench: setup
	$(BIN)/pytest tests/benchmarks -m "bench or gate"

# hot paths against the last that were saved on this machine, in .benchmarks/; exit code 1 where one got slower
bench-compare: setup
	$(BIN)/pytest tests/benchmarks/test_hot_paths.py -m bench --benchmark-autosave --benchmark-save-data
	$(BIN)/python -m bench.profile.regression .benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
