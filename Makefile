# Recipes use relative paths only, so they work in a path with spaces.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

NPM := $(BIN)/python frontend/npm.py
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
# Folders are included, so that a removed file causes a new build, too.
PAGE_SOURCES := $(shell find frontend/src frontend/public ! -name '*.test.js' ! -path '*/src/test*') \
	$(addprefix frontend/,index.html vite.config.js package.json)

# Delete the target of an interrupted recipe, so that it is made again.
.DELETE_ON_ERROR:
.PHONY: help run build dev test coverage lint drill bench docs lock audit clean

help: ## List the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1	/' | expand -t 16

run: .venv/runtime frontend/dist/index.html ## Start the whole product (Ctrl-C stops it)
	@exec $(BIN)/python run.py

build: frontend/dist/index.html ## Build the page if its sources have changed

dev: frontend/node_modules/.package-lock.json ## Serve the page at :5173 with live reload, on the API of a running product
	@$(NPM) run -s dev

test: lint frontend/dist/index.html ## Lint, then run all tests of the page and of the server, on a private PostgreSQL and Redis
	@$(BIN)/python -m tests.support.chromium
	@$(NPM) run -s test
	@$(PYTEST)

coverage: .venv/development frontend/dist/index.html ## Run the Python tests and measure their coverage
	@$(BIN)/python -m tests.support.chromium
	@$(PYTEST) --cov --cov-report=term-missing

lint: .venv/development frontend/node_modules/.package-lock.json ## Check with flake8, isort and mypy, and with Biome and TypeScript
	@$(BIN)/python -m flake8 .
	@$(BIN)/python -m isort --check-only --diff app tests migrations docs bench frontend/npm.py *.py
	@$(BIN)/python -m mypy
	@$(NPM) run -s lint

SEED ?= $(shell date +%Y%m%d)
SOAK ?= 10
drill: .venv/development frontend/dist/index.html ## Inject faults into a running product, and write docs/proof.md (SEED=7 SOAK=10)
	@$(BIN)/python -m tests.drills --seed $(SEED) --soak-minutes $(SOAK) --report docs/proof.md

bench: .venv/development frontend/dist/index.html ## Compare the product with pgbench and bare Celery, and write docs/benchmarks.md
	@$(BIN)/python -m bench --report docs/benchmarks.md

docs: .venv/development frontend/node_modules/.package-lock.json ## Write docs/api.md and the page's types from the OpenAPI document
	@$(BIN)/python -m docs.build_api

lock: .venv/development ## Resolve setup.cfg into the two lock files
	@$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra embedded --extra frontend -o requirements.lock setup.cfg
	@$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra embedded --extra frontend --extra dev -c requirements.lock -o requirements-dev.lock setup.cfg

audit: .venv/development frontend/node_modules/.package-lock.json ## Check the locked packages for known vulnerabilities
	@$(BIN)/python -m tests.drills.audit

clean: ## Remove the virtual environment and all caches; keep the data
	@rm -rf .venv .mypy_cache .pytest_cache .hypothesis .coverage .coverage.* frontend/node_modules frontend/dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; choose one: make PYTHON=python3.12"; exit 1; }
	@echo "Creating .venv ..."
	@$(PYTHON) -m venv .venv \
		|| { rm -rf .venv; echo "Python cannot create a virtual environment; on Debian, run: apt-get install python3-venv"; exit 1; }

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
