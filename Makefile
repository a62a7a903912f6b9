# Every recipe works in a path with spaces, because only relative paths are used.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run test lint docs lock clean

help: ## Show what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1	/' | expand -t 16

run: .venv/runtime ## Bring the whole product up (Ctrl-C stops it)
	@exec $(BIN)/python -m app.launcher

test: lint ## Lint, then run every test on a private PostgreSQL and Redis
	@$(BIN)/python -m pytest --cov --cov-report=term-missing

lint: .venv/development ## flake8, isort and mypy
	@$(BIN)/python -m flake8 .
	@$(BIN)/python -m isort --check-only --diff app tests migrations docs *.py
	@$(BIN)/python -m mypy

docs: .venv/development ## Write docs/api.md from the OpenAPI document
	@$(BIN)/python docs/build_api.py

lock: .venv/development ## Resolve setup.cfg into the two lock files
	@$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra embedded -o requirements.lock setup.cfg
	@$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--extra embedded --extra dev -c requirements.lock -o requirements-dev.lock setup.cfg

clean: ## Remove the virtual environment and every cache, not the data
	@rm -rf .venv .mypy_cache .pytest_cache .hypothesis .coverage .coverage.*
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
