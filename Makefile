# `make help` lists the targets. Everything runs in .venv, made from the hashed lock.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# two workers; each begins with half of the tests and takes over what the other has left
SHARED := -n 2 --dist worksteal
.DEFAULT_GOAL := help
.PHONY: help setup demo run create-youtube-agent schemas check format test long chaos bench bench-growth lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-21s %s\n", $$1, $$2}'

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.12, say.")'
	@echo "Installing into $(VENV) (a minute on the first run) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 2 --require-hashes --only-binary :all: \
		-r requirements.lock >$(VENV)/install.log 2>&1 || { \
		echo "The packages could not be installed. Is there a network? What pip said is in $(VENV)/install.log."; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

setup: $(VENV)/.ready ## the virtual environment, from the hashed lock

demo: setup ## imports against a sandbox (EXIT=1: then exit)
	@$(BIN)/python -m deploy.start demo.main $(if $(filter-out 0,$(EXIT)),--exit)

run: setup ## the system; .env.example explains its settings
	@$(BIN)/python -m deploy.start deploy.local.run

create-youtube-agent: setup ## CHANNEL_URL= SOURCE_NAME= (docs/operations.md)
	@$(BIN)/thrive agents create

schemas: setup ## write schemas/published/, unless readers break
	@$(BIN)/python -m schemas.publish

check: setup ## linters, types, contracts, unit tests: a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint --failure-threshold warning deploy/Dockerfile
	$(BIN)/pytest $(SHARED) tests/unit tests/contract -m "not engines"

format: setup ## sort imports, fix what ruff can, format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup ## the suite on real Kafka and MongoDB: ten minutes
	$(BIN)/pytest $(SHARED) -m "not alone and not chaos and not long"
	$(BIN)/pytest -m "alone and not chaos and not long"

long: setup ## simulated months, thousands of sources, mutants
	$(BIN)/pytest -s -m long

chaos: setup ## engines killed under load (CHAOS_IMPORTS=1000)
	CHAOS_IMPORTS=$(or $(CHAOS_IMPORTS),1000) $(BIN)/pytest -s -m chaos

bench: setup ## against a baseline: 6 min (BENCH=--quick: 1.5)
	$(BIN)/python -m bench $(BENCH)

bench-growth: setup ## 10,000 to 1,000,000 projects, ten minutes
	@$(BIN)/python -m bench.growth $(BENCH)

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-header pyproject.toml

lock: setup ## resolve all dependencies again (needs uv)
	$(COMPILE) --extra local --group dev -o requirements.lock
	$(COMPILE) --constraints requirements.lock -o requirements-production.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-annotate --no-header --group build -o requirements-build.lock
	$(BIN)/python -m deploy.local lock

clean: ## remove the virtual environment and all local data
	rm -rf $(VENV) .local .mypy_cache .ruff_cache .pytest_cache
