# `make mini` and `make test` need Python 3.11 or newer and make, nothing else.
PYTHON ?= python3
CORES ?= $(shell unset OMP_NUM_THREADS; nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := HF_HUB_OFFLINE=1 $(BIN)/snakemake all --cores $(CORES) --quiet rules host --configfile
SNAKEFILES := Snakefile workflow
FULL_SIZE := tests/full_size tests/parity
SLURM := tests/interrupted/test_slurm.py

.DEFAULT_GOAL := help
.PHONY: help mini esc10 test test-full-size test-slurm lint clean

help: ## show this help
	@awk -F ':.*## ' '/^[-.a-z0-9]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamp is written last, so a half-made environment is completed, not used. It takes the
# place of the folder as target: a folder's date changes with what is written into it.
.venv: $(VENV)/.made ## make the environment from requirements.lock

$(VENV)/.made: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
	    "audioldm-bench needs Python 3.11 or newer; '$(PYTHON)' is not." \
	    "Install one and name it: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { echo "'$(PYTHON)' cannot make virtual environments;" \
	    "install its venv module (Debian: apt install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

mini: $(VENV)/.made ## run the miniature study, offline, on the CPU
	$(SNAKEMAKE) config/mini.yaml
	@$(BIN)/python -m audioldm_bench results/mini

esc10: $(VENV)/.made ## run the study on 400 real recordings, offline, on the CPU
	$(SNAKEMAKE) config/esc10.yaml
	@$(BIN)/python -m audioldm_bench results/esc10

test: $(VENV)/.made ## run all tests but those of full size; AUDIOLDM_BENCH_TEST_SLURM=1: SLURM too
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(CORES) --dist loadscope --no-loadscope-reorder \
	    $(FULL_SIZE:%=--ignore=%)

test-full-size: $(VENV)/.made ## run models of full size with random weights, on the CPU
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest $(FULL_SIZE)

test-slurm: $(VENV)/.made ## run a tiny study through SLURM on this machine (root; docs/slurm.md)
	AUDIOLDM_BENCH_TEST_SLURM=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest $(SLURM)

lint: $(VENV)/.made ## check style: ruff, snakefmt, Snakemake's lint
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check $(SNAKEFILES)
	$(BIN)/snakemake --lint

environment.yml: requirements.lock
workflow/envs/laion.yml: workflow/envs/laion.txt
environment.yml workflow/envs/laion.yml: # the same pins, as conda wants them
	{ grep -v '^      - ' $@; grep -v '^#' $< | sed "s/.*;.*/'&'/; s/^/      - /"; } >$@.new
	mv $@.new $@

clean: ## remove the environment and the caches; results/ and resources/ stay
	rm -rf $(VENV) .pytest_cache .ruff_cache build src/*.egg-info
	find src tests workflow -name __pycache__ -prune -exec rm -rf {} +
