# Two commands matter: `make demo` shows hubkit on a model that it makes on the spot,
# `make test` runs everything that CI runs. Both set up .venv first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: help demo test lint format clean

help:  ## Show these lines.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/installed  ## Scaffold, check, test, serve and load a real model, start to end.
	@$(BIN)/python -m tests.demo

# mypy runs beside the tests: alone, it would leave a core idle.
test: .venv/installed  ## Lint, type check and run the whole test suite.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/mypy >.venv/mypy.log 2>&1 & types=$$!; \
	$(BIN)/pytest -n 2 --dist worksteal; tests=$$?; \
	wait $$types; types=$$?; \
	echo "$(BIN)/mypy"; cat .venv/mypy.log; \
	exit $$((tests + types))

lint: .venv/installed  ## ruff and mypy only.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed  ## Rewrite the code as ruff would.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove the environment and every cache.
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

.venv/installed: pyproject.toml constraints.txt
	@echo "Setting up .venv with $$($(PYTHON) --version) (once; torch is the large part) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --quiet -c constraints.txt -e ".[dev]"
	@touch $@
