# Two commands matter: `make demo` shows hubkit on a model that it makes on the spot,
# `make test` runs everything that CI runs. Both set up .venv first.
# `make test-pythons` is for releases and for work on what differs between versions of Python.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PYENV_ROOT ?= $(HOME)/.pyenv
PYTHONS ?= 3.10 3.12 3.13

# pytest caches its rewritten test modules as bytecode: the second run starts ten seconds earlier.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo docs test test-pythons lint format clean

help:  ## Show these lines.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/installed  ## Scaffold, check, test, serve and load a real model, start to end.
	@$(BIN)/python -m tests.demo

docs: .venv/installed  ## Build the site into docs/_build/html; warnings are errors.
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --fresh-env --write-all docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

# mypy runs beside the tests: alone, it would leave a core idle. So would two workers on two cores,
# since tests wait for hosts and processes.
test: .venv/installed  ## Lint, type check and run the whole test suite.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/mypy >.venv/mypy.log 2>&1 & types=$$!; \
	$(BIN)/pytest -n 3 --dist worksteal; tests=$$?; \
	wait $$types; types=$$?; \
	echo "$(BIN)/mypy"; cat .venv/mypy.log; \
	exit $$((tests + types))

# -k: a failure on one version does not keep the others from running.
test-pythons:  ## Run the tests without torch on the other Pythons that pyenv has.
	@$(MAKE) --no-print-directory -k $(PYTHONS:%=test-python-%)

test-python-%: pyproject.toml constraints.txt
	@python=$$(ls -d $(PYENV_ROOT)/versions/$*.*/bin/python 2>/dev/null | sort -V | tail -n 1); \
	if [ -z "$$python" ]; then \
		echo "Python $*: skipped, not in $(PYENV_ROOT)/versions (pyenv install $*)"; exit 0; \
	fi; \
	if [ ! -e .venv-$*/installed ] || [ -n "$$(find $^ -newer .venv-$*/installed)" ]; then \
		echo "Setting up .venv-$* with $$($$python --version) ..."; \
		$$python -m venv .venv-$* && \
		.venv-$*/bin/python -m pip install --quiet --quiet -c constraints.txt -e ".[test]" && \
		touch .venv-$*/installed || exit 1; \
	fi; \
	echo "Python $*"; \
	.venv-$*/bin/pytest -n 2 --dist worksteal -q -m "not torch and not slow"

lint: .venv/installed  ## ruff and mypy only.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed  ## Rewrite the code as ruff would.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove the environment and every cache.
	rm -rf .venv .venv-3.* .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist docs/_build

.venv/installed: pyproject.toml constraints.txt
	@echo "Setting up .venv with $$($(PYTHON) --version) (once; torch is the large part) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --quiet -c constraints.txt -e ".[dev]"
	@touch $@
