# The commands of the house. All that is needed beforehand: make, and Python 3.11 or newer.
#
#   make demo        segment the sample company     make golden        rewrite the golden outputs
#   make test        every test                     make lock          make the locks anew
#   make check       all that CI runs               make bench         measure speed and memory
#   make test-spark  clusters on a real Spark 4     make bench-intake  score and time reading
#   make clean       remove all that make made      make bench-ltv     time models beside others
#                                                   make scale         costs of larger data
#
# PYTHON=...   the Python to build the environments with
# WORKERS=...  processes that tests are spread over
# ARGS=...     more arguments: make test ARGS="-k survival -x", make bench ARGS="--only payments"

.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?=
WORKERS ?= 2
ARGS ?=
UPGRADE ?=

# What stands in the caller's environment must not change what is installed or tested.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
# The environments are made without bytecode; a caller who forbids Python to write any would have
# some hundred processes compile Polars, SciPy and csk anew, each for seconds.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONNOUSERSITE := 1
# Tests run on every core already; threads of small matrices would only wait for one another.
export OPENBLAS_NUM_THREADS := 1

# A file's tests stay together, so what they share is made once; files go in their order, the
# dearest (e2e) first, so that no process is left with a long one at the end.
SPREAD = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

BIN := .venv/bin
LOWEST := .venv-lowest/bin
INSTALL := -m pip install --quiet --no-input --no-compile
EDITABLE := --no-deps --no-build-isolation --editable .

.PHONY: help demo test test-spark test-lowest check format format-check lint types floors golden bench bench-intake bench-ltv scale lock clean

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

# --- environments -------------------------------------------------------------------------------
# A copy of the lock stands in the environment it made: a checkout that only touches the file
# installs nothing, a lock with other content builds the environment anew.

# $(call environment,FOLDER,LOCK,MORE): FOLDER with exactly what LOCK says, and MORE (csk itself).
define environment
@cmp -s $(2) $(1)/installed-from || { \
    for python in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3 none; do \
        "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null && break; \
    done; \
    if [ "$$python" = none ]; then \
        echo "csk needs Python 3.11 or newer with its venv module, and found none." >&2; \
        echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
        exit 2; \
    fi; \
    echo "Making $(1) from $(2) with $$("$$python" --version); this takes a minute" >&2; \
    rm -rf $(1) && "$$python" -m venv $(1) && \
    $(1)/bin/python $(INSTALL) --require-hashes --requirement $(2) && \
    cp $(2) $(1)/installed-from; \
}
$(if $(3),@$(1)/bin/python $(INSTALL) $(3))
@touch $(1)/ready
endef

.venv/ready: requirements.lock pyproject.toml
	$(call environment,.venv,requirements.lock,$(EDITABLE))

# The tools of development come on top of what a user has.
.venv/ready-dev: .venv/ready requirements-dev.lock
	@cmp -s requirements-dev.lock .venv/installed-from-dev || { \
	    echo "Adding the tools of requirements-dev.lock" >&2; \
	    $(BIN)/python $(INSTALL) --require-hashes --requirement requirements-dev.lock && \
	    cp requirements-dev.lock .venv/installed-from-dev; \
	}
	@touch $@

.venv-lowest/ready: requirements-lowest.lock pyproject.toml
	$(call environment,.venv-lowest,requirements-lowest.lock,$(EDITABLE))

# What csk is measured against stands apart: it needs an older NumPy, so Python 3.11 or 3.12.
.venv-peers/ready: requirements-peers.lock
	$(call environment,.venv-peers,requirements-peers.lock)

.venv-peers-today/ready: requirements-peers-today.lock
	$(call environment,.venv-peers-today,requirements-peers-today.lock)

# --- for users ----------------------------------------------------------------------------------

demo: .venv/ready
	@mkdir -p out
	@$(BIN)/csk segment data/sample -o out/segment.parquet

# --- for developers -----------------------------------------------------------------------------

test: .venv/ready-dev
	@$(BIN)/python -m pytest -m "not bench" $(SPREAD) $(ARGS)

# Facts and commands on a real Spark, where there is one; `make test` has them on Sail. Not a part
# of `make check`: a machine without a JVM can only say that it skipped them.
test-spark: .venv/ready-dev
	@$(BIN)/python tests/spark/run.py $(ARGS)

# What leans on libraries, and published figures, on the lowest versions that pyproject.toml allows.
test-lowest: .venv-lowest/ready
	@$(LOWEST)/python -m pytest -m "not bench" $(SPREAD) -p no:cacheprovider \
	    --hypothesis-profile=quick tests/paper \
	    $(addprefix tests/unit/,engine facts intake models sinks tables) $(ARGS)

# Tests come last, so that their closing line is the last that a reader sees.
check: format-check lint types floors test-lowest test

format: .venv/ready-dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

format-check: .venv/ready-dev
	@$(BIN)/ruff format --check .

lint: .venv/ready-dev
	@$(BIN)/ruff check .

types: .venv/ready-dev
	@$(BIN)/python -m mypy

floors: .venv/ready-dev
	@$(BIN)/lint-imports --no-cache

golden: .venv/ready-dev
	@$(BIN)/python -m pytest tests/golden --snapshot-update $(ARGS)

# Makes its own files, runs csk and its peers in turn, each in its own environment, and writes
# docs/benchmarks.md. ARGS="--only payments,usage --rows 1000000,100000000 --events 50000000".
bench: .venv/ready-dev .venv-peers/ready .venv-peers-today/ready
	@$(BIN)/python tests/bench/run.py $(ARGS)

bench-intake: .venv/ready-dev
	@$(BIN)/python tests/bench/intake.py $(ARGS)

bench-ltv: .venv/ready-dev .venv-peers/ready .venv-peers-today/ready
	@$(BIN)/python tests/bench/run.py --only ltv $(ARGS)

# The tables of docs/scale.md, from what `make bench` has measured.
scale: .venv/ready-dev
	@$(BIN)/python tests/bench/scale.py $(ARGS)

# `make lock` keeps the versions that still fit; `make lock UPGRADE=--upgrade` takes the newest.
COMPILE = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
    --extra xlsx --extra duckdb --extra postgres --extra spark --group build $(UPGRADE)
lock: .venv/ready-dev
	@$(COMPILE) --output-file requirements.lock
	@$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock
	@$(COMPILE) --group test --resolution lowest-direct --output-file requirements-lowest.lock
	@$(BIN)/uv pip compile requirements-peers.in --quiet --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --custom-compile-command "make lock" $(UPGRADE) \
	    --output-file requirements-peers.lock
	@$(BIN)/uv pip compile requirements-peers-today.in --quiet --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --custom-compile-command "make lock" $(UPGRADE) \
	    --output-file requirements-peers-today.lock

clean:
	@rm -rf .venv .venv-lowest .venv-peers .venv-peers-today out build dist mutants \
	    .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
