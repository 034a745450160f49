# Two commands: `make demo` sets up .venv and runs the main comparison; `make test` runs the tests.
PYTHON ?= python3
EXTRAS ?= test
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test coverage numbers matrix mutants check docs dist clean

demo: $(VENV)/.demo
	$(BIN)/lift-compare

test: $(VENV)/.$(EXTRAS)
	$(BIN)/pytest -n 2

# Do the tests run 95 % of the lines? Counting them makes the tests take half as long again.
coverage: $(VENV)/.$(EXTRAS)
	$(BIN)/pytest -n 2 --cov --cov-report=term:skip-covered

# Not only on this machine: tests/matrix.py says what these two do.
numbers: $(VENV)/.$(EXTRAS)
	$(BIN)/python tests/matrix.py --numbers

matrix: $(VENV)/.$(EXTRAS)
	$(BIN)/python tests/matrix.py

# Does a test fail when a formula is changed? One folder or file: make mutants ONLY=simulated/span
mutants: $(VENV)/.test,check,mutants
	$(BIN)/python tests/mutants.py $(ONLY)

check: $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The site, in build/docs/html. Made anew: what is left over may hide a warning, and these are errors.
docs: $(VENV)/.docs
	rm -rf build/docs docs/generated
	$(BIN)/sphinx-build -q -W --keep-going -d build/docs/doctrees docs build/docs/html
	@echo "open build/docs/html/index.html"

dist: $(VENV)/.dist
	$(BIN)/python -m build

# One stamp a set of extras, so a second run installs nothing. The installation is editable: it
# links the folders into src/lift_compare (build_backend.py), where the tools look for them.
$(VENV)/.demo: pyproject.toml constraints.txt build_backend.py | $(BIN)/python
	$(PIP) -e .
	touch $@

$(VENV)/.%: pyproject.toml constraints.txt build_backend.py | $(BIN)/python
	$(PIP) -e '.[$*]'
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) results build dist docs/generated src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find src/lift_compare -type l -delete
