# Every recipe works in a path with spaces, because only relative paths are used.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

NPM := $(BIN)/python frontend/npm.py
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
# With the folders, so that a file which was taken away makes a new build too.
PAGE_SOURCES := $(shell find frontend/src frontend/public ! -name '*.test.js' ! -path '*/src/test*') \
	$(addprefix frontend/,index.html vite.config.js package.json)

# What was interrupted half-way is not taken for done.
.DELETE_ON_ERROR:
.PHONY: help run build dev test coverage lint drill bench docs lock audit clean

help: ## Show what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1	/' | expand -t 16

run: .venv/runtime frontend/dist/index.html ## Bring the whole product up (Ctrl-C stops it)
	@exec $(BIN)/python run.py

build: frontend/dist/index.html ## Build the page, if its sources changed

dev: frontend/node_modules/.package-lock.json ## The page at :5173, anew with every change, on the API of a running product
	@$(NPM) run -s dev

test: lint frontend/dist/index.html ## Lint, then run every test: the page's, and those on a private PostgreSQL and Redis
	@$(BIN)/python -m tests.support.chromium
	@$(NPM) run -s test
	@$(PYTEST)

coverage: .venv/development frontend/dist/index.html ## The same of the Python tests, measuring which lines they reach
	@$(BIN)/python -m tests.support.chromium
	@$(PYTEST) --cov --cov-report=term-missing

lint: .venv/development frontend/node_modules/.package-lock.json ## flake8, isort and mypy; Biome and TypeScript
	@$(BIN)/python -m flake8 .
	@$(BIN)/python -m isort --check-only --diff app tests migrations docs bench frontend/npm.py *.py
	@$(BIN)/python -m mypy
	@$(NPM) run -s lint

SEED ?= $(shell date +%Y%m%d)
SOAK ?= 10
drill: .venv/development frontend/dist/index.html ## Break a whole product in every way we know, and write docs/proof.md (SEED=7 SOAK=10)
	@$(BIN)/python -m tests.drills --seed $(SEED) --soak-minutes $(SOAK) --report docs/proof.md

bench: .venv/development frontend/dist/index.html ## Measure the product beside pgbench and bare Celery, and write docs/benchmarks.md
	@$(BIN)/python -m bench --report docs/benchmarks.md

docs: .venv/development frontend/node_modules/.package-lock.json ## Write docs/api.md and the page's types from the OpenAPI document
	@$(BIN)/python -m docs.build_api

lock: .venv/development ## Resolve setup.cfg into the two lock files
	@$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra embedded --extra frontend -o requirements.lock setup.cfg
	@$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra embedded --extra frontend --extra dev -c requirements.lock -o requirements-dev.lock setup.cfg

audit: .venv/development frontend/node_modules/.package-lock.json ## Ask the registries for known faults of the locked packages
	@$(BIN)/python -m tests.drills.audit

clean: ## Remove the virtual environment and every cache, not the data
	@rm -rf .venv .mypy_cache .pytest_cache .hypothesis .coverage .coverage.* frontend/node_modules frontend/dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12"; exit 1; }
	@echo "Creating .venv ..."
	@$(PYTHON) -m venv .venv \
		|| { rm -rf .venv; echo "Python cannot create a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }

.venv/runtime: .venv/bin/python requirements.lock
	@echo "Installing the locked packages (about a minute, once) ..."
	@$(BIN)/python -m pip install --no-deps --require-hashes -r requirements.lock
	@touch $@

.venv/development: .venv/runtime requirements-dev.lock
	@echo "Installing the locked development packages ..."
	@$(BIN)/python -m pip install --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

frontend/node_modules/.package-lock.json: .venv/runtime frontend/package-lock.json
	@echo "Installing the locked packages of the page ..."
	@$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

frontend/dist/index.html: frontend/node_modules/.package-lock.json $(PAGE_SOURCES)
	@echo "Building the page ..."
	@$(NPM) run -s build -- --logLevel=warn
	@touch $@
