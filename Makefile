# One command for each thing a developer does. Needs only Python >= 3.11, make and a package index pip can reach.
#
#   make demo KEEP=1          leave Airflow's UI up after the demo
#   make test PYTHON=python3.12 VENV=.venv-3.12
#   make test PYTEST_ARGS="-k pigment -x"
#   make test-matrix VERSIONS="lowest 3.1.8"
#   make test-matrix VERSIONS=3.3.2 PYTHON=python3.13
#   make cluster-test CLUSTER_IMPORTS=30
#   make bench FIGURES="cost_of_a_wait upload" BENCH_ARGS="--rounds 3 --publish"

PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints/airflow-3.3.2.txt
PYTEST_ARGS ?=
# Tests run in so many processes: on two cores three, since many tests wait for a server.
WORKERS ?= 3
# Each has a constraints file; "lowest" is Airflow 2.11.0 with the lowest versions that pyproject.toml allows.
VERSIONS ?= lowest 2.11.2 3.0.6 3.1.8 3.2.2 3.3.2
# What needs a running Airflow 3.3, or takes long and has nothing to do with Airflow's version.
NOT_BY_VERSION := --ignore tests/system --ignore tests/cluster --ignore tests/benchmarks --ignore tests/docs
# Each Airflow has an environment for each Python.
MATRIX := .venv-airflow-%-py$(shell $(PYTHON) -c 'import sys; print("{}.{}".format(*sys.version_info))')
CLUSTER_IMPORTS ?= 200
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Some machines forbid bytecode files. Airflow then compiles its thousands of modules at every start, in every one
# of its processes, and starts 2-4 times slower.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo screenshots test test-system test-failed faults protocol soak test-matrix test-lowest cluster-test coverage bench plots lint docs build test-wheel mutants vendor-mutants clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]" --constraint $(CONSTRAINTS)
	@touch $@

demo: $(STAMP) ## Run examples of every vendor in a real Airflow against the sandbox (KEEP=1 leaves the UI up)
	$(BIN)/python -m tests.system.demo $(if $(KEEP),--keep)

screenshots: $(STAMP) ## Make the pictures of Airflow's UI in the documentation, with the system's Chromium
	$(BIN)/python -m tests.system.screenshots

test: lint docs ## Lint, type-check, build the docs, run the tests
	$(BIN)/python -m pytest -n $(WORKERS) -m "not long" $(PYTEST_ARGS)

test-system: $(STAMP) ## Run the long tests: kills, recipes, lineage, events in a running Airflow, the quickstart word by word
	$(BIN)/python -m pytest -m long $(PYTEST_ARGS)

test-failed: lint docs ## Run once more what failed last
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none $(PYTEST_ARGS)

test-matrix: $(VERSIONS:%=test-airflow-%) ## Run the tests on every supported Airflow, each in an environment of its own

test-airflow-%: $(MATRIX)/.installed
	$(subst %,$*,$(MATRIX))/bin/airflow providers list | grep -q airflow-provider-imports
	$(subst %,$*,$(MATRIX))/bin/python -m pytest -n $(WORKERS) $(NOT_BY_VERSION) $(PYTEST_ARGS)

test-lowest: $(subst %,lowest,$(MATRIX))/.installed ## Run the tests on the lowest versions, without those of the sandbox, the test kit and the protocol
	$(subst %,lowest,$(MATRIX))/bin/python -m pytest -n $(WORKERS) $(NOT_BY_VERSION) --ignore tests/sandbox --ignore tests/vendors --ignore tests/protocol -q $(PYTEST_ARGS)

# OpenLineage's library needs a newer requests than the lowest.
$(MATRIX)/.installed: pyproject.toml constraints/airflow-%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --editable ".[test$(if $(filter lowest,$*),,,openlineage)]" --constraint constraints/airflow-$*.txt
	@touch $@

.PRECIOUS: $(MATRIX)/.installed

cluster-test: .venv-cluster/.installed ## Run Celery workers, two triggerers, PostgreSQL and Redis, and kill parts of it
	CLUSTER_IMPORTS=$(CLUSTER_IMPORTS) .venv-cluster/bin/python -m pytest tests/cluster $(PYTEST_ARGS)

.venv-cluster/.installed: pyproject.toml constraints/airflow-3.3.2-cluster.txt
	$(PYTHON) -m venv .venv-cluster
	.venv-cluster/bin/python -m pip install --quiet --editable ".[test,cluster]" --constraint constraints/airflow-3.3.2-cluster.txt
	@touch $@

mutants: $(STAMP) ## Put small faults into waiting, errors and readers of status; a test must notice each (a quarter of an hour)
	$(BIN)/python -m tests.mutants

vendor-mutants: $(STAMP) ## Take the safeguards of a vendor away, one by one; the conformance suite must notice each
	$(BIN)/python -m tests.distribution.mutants

coverage: $(STAMP) ## Measure which lines and branches of the package the tests reach
	$(BIN)/python -m coverage run -m pytest $(PYTEST_ARGS)
	$(BIN)/python -m coverage report --fail-under=95

faults: $(STAMP) ## Run every cell of the fault matrix (make test: one in 23)
	$(BIN)/python -m tests.vendors
	FAULT_MATRIX_STEP=1 $(BIN)/python -m pytest -n $(WORKERS) -q tests/vendors $(PYTEST_ARGS)

protocol: $(STAMP) ## Try ten thousand lives of a task against a vendor that may act at any moment (make test: 300)
	PROTOCOL_LIVES=10000 $(BIN)/python -m pytest -q tests/protocol $(PYTEST_ARGS)

soak: $(STAMP) ## Run 300 imports of all vendors in a real Airflow, over vendors that fail one call in five; as many through a proxy
	$(BIN)/python -m tests.system.soak $(if $(IMPORTS),--imports $(IMPORTS))
	$(BIN)/python -m tests.system.soak --proxy $(if $(IMPORTS),--imports $(IMPORTS))

bench: $(VENV)/.installed-bench ## Measure the figures against what people use today (FIGURES=..., BENCH_ARGS=--publish)
	$(BIN)/python -m tests.benchmarks $(FIGURES) $(BENCH_ARGS)

plots: $(STAMP) ## Draw the published figures and the picture of how it works again, into the documentation
	$(BIN)/python -m tests.benchmarks --redraw
	$(BIN)/python docs/pictures/draw.py

$(VENV)/.installed-bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable ".[bench]" --constraint $(CONSTRAINTS)
	@touch $@

lint: $(STAMP) ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict airflow_provider_imports
	MYPYPATH=example_vendor $(BIN)/mypy --strict -p airflow_provider_harbor
	MYPYPATH=tests/second_vendor $(BIN)/mypy --strict -p airflow_provider_quarry

# The generated pages go first: one of a module that is gone would stay, and nothing would lead to it.
docs: $(STAMP) ## Check the documentation's language and build it, a warning is an error
	rm -rf docs/api/generated
	$(BIN)/python docs/prose.py
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

build: $(STAMP) ## Build the wheel and the source distribution, check and try them
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/twine check --strict dist/*
	$(MAKE) test-wheel DIST=dist

test-wheel: $(STAMP) ## Install the wheel into an empty environment, and see Airflow list it (DIST=dist: one that is built)
	WHEEL_FROM_NOTHING=1 DIST=$(DIST) $(BIN)/python -m pytest tests/distribution $(PYTEST_ARGS)

clean: ## Remove everything the other targets made
	rm -rf $(VENV) .venv-airflow-* .venv-cluster build dist docs/_build docs/api/generated htmlcov mutants .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
