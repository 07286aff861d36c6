# One command for each thing a developer does. Needs only Python >= 3.11, make and a package index pip can reach.
#
#   make demo KEEP=1          leave Airflow's UI up after the demo
#   make test PYTHON=python3.12 VENV=.venv-3.12
#   make test PYTEST_ARGS="-k pigment -x"

PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints/airflow-3.3.2.txt
PYTEST_ARGS ?=
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Some machines forbid bytecode files. Airflow then compiles its thousands of modules at every start, in every one
# of its processes, and starts 2-4 times slower.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test lint docs build clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]" --constraint $(CONSTRAINTS)
	@touch $@

demo: $(STAMP) ## Run the example DAGs in a real Airflow against the sandbox (KEEP=1 leaves the UI up)
	$(BIN)/python -m tests.system.demo $(if $(KEEP),--keep)

test: lint docs ## Lint, type-check, build the docs, run every test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(STAMP) ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict airflow_provider_imports

# A page that was made for a module which is gone would be one that nothing leads to.
docs: $(STAMP) ## Build the documentation, a warning is an error
	rm -rf docs/api/generated
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

build: $(STAMP) ## Build and check the wheel and the source distribution
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/twine check --strict dist/*

clean: ## Remove everything the other targets made
	rm -rf $(VENV) build dist docs/_build docs/api/generated htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
