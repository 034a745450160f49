# Two commands: `make demo` sets up .venv and runs the main comparison; `make test` runs the tests.
PYTHON ?= python3
EXTRAS ?= test
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test check clean

demo: $(VENV)/.demo
	$(BIN)/lift-compare

test: $(VENV)/.$(EXTRAS)
	$(BIN)/pytest -n 2 --cov --cov-report=term:skip-covered

check: $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# One stamp a set of extras, so a second run installs nothing.
$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.%: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$*]'
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) results build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
