# Set-up is part of every target: on a fresh clone `make demo` or `make test` is all there is to type.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OTHERS := .venv-conformance
WORKERS ?= 4
# Where memory has room, tests keep their databases there: on a disk they would mostly wait for it.
# (They run hooks from there too, which containers often forbid.)
SCRATCH := $(shell grep -qs ' /dev/shm [^ ]* [^ ]*noexec' /proc/mounts || df -Pk /dev/shm 2>/dev/null \
  | awk 'NR == 2 && $$4 > 2000000 { print "/dev/shm" }')
# Bytecode is kept even where others would not: tests start hundreds of processes.
TESTING := PYTHONDONTWRITEBYTECODE= $(if $(SCRATCH),TMPDIR=$(SCRATCH)) $(BIN)/python -m pytest
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test soak lint bench conformance lock clean
.DEFAULT_GOAL := demo

demo: $(VENV)/runtime          ## the daemon on the built-in exchange and a scratch SQLite file
	$(BIN)/reconciler demo $(ARGS)

test: lint                     ## linter, type checker and every test
	$(TESTING) -n $(WORKERS) --dist worksteal $(ARGS)

soak: $(VENV)/dev              ## the long ones: half a year, storms, many seeds, whole grids, laws at length
	$(BIN)/python -m pytest -m "soak or hypothesis" --hypothesis-profile soak $(ARGS)

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/dev             ## ratios within one run, see bench/README.md
	$(BIN)/python -m bench $(ARGS)

conformance: $(VENV)/runtime $(OTHERS)/installed  ## clients that others wrote, against the simulated exchange
	$(OTHERS)/bin/python -m conformance $(ARGS) --write docs/exchange.md -- $(BIN)/reconciler simulate

lock:                          ## needs uv; hashed requirements without addresses
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --all-extras --group build pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --all-extras --group build --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  conformance/requirements.in -o requirements-conformance.lock

clean:
	rm -rf $(VENV) $(OTHERS) .mypy_cache .ruff_cache .hypothesis dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "reconciler needs Python 3.11 or newer; say which: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "this Python has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# hatchling is in the lock, so that the editable install fetches nothing of its own.
$(VENV)/runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: requirements-dev.lock $(VENV)/runtime
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(OTHERS)/installed: requirements-conformance.lock | $(BIN)/python
	$(PYTHON) -m venv $(OTHERS)
	$(OTHERS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-conformance.lock
	@touch $@
