# Everything here works from a fresh clone with Python (3.10 or newer) and make. `make` alone lists the targets.
PYTHON ?= python3
VENV ?= .venv
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sd-webui-kohaku
FLOOR_VENV ?= $(CACHE)/floor-venv
# The oldest supported Python; a pyenv one serves when the system has none.
FLOOR_PYTHON ?= $(firstword $(foreach p,python3.10 $(wildcard $(HOME)/.pyenv/versions/3.10*/bin/python),$(shell $(p) -c 'print("$(p)")' 2>/dev/null)))

PY := $(VENV)/bin/python
DEMO_DIR ?= demo-models
# What needs neither gradio nor fastapi: the core and the command line.
FLOOR_TESTS := tests/checkpoint tests/merge tests/cli tests/fp8 tests/prompt tests/app tests/test_layers.py
PYTEST_ARGS ?=

.PHONY: help setup demo test test-webui test-floor lint format types bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.ready: requirements/core.txt requirements/ui.txt requirements/dev.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed" if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements/core.txt
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements/ui.txt -r requirements/dev.txt
	touch $@

setup: $(VENV)/.ready  ## make the virtual environment

demo: setup  ## mini SDXL checkpoints, the three merges of the Kohaku XL Gamma card, each verified
	$(PY) -m devtools.demo $(DEMO_DIR)

test: setup  ## all tests, with today's libraries
	$(PY) -m pytest $(PYTEST_ARGS)

test-floor: $(FLOOR_VENV)/.ready  ## the core's tests with the oldest supported libraries
	$(FLOOR_VENV)/bin/python -m pytest -p no:cacheprovider $(FLOOR_TESTS) $(PYTEST_ARGS)

$(FLOOR_VENV)/.ready: requirements/floor.txt
	@test -n "$(FLOOR_PYTHON)" || { echo "test-floor needs a Python 3.10 (set FLOOR_PYTHON)"; exit 1; }
	mkdir -p $(CACHE)
	$(FLOOR_PYTHON) -m venv $(FLOOR_VENV)
	$(FLOOR_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/floor.txt
	touch $@

test-webui: setup  ## tests against a real webui at KOHAKU_WEBUI_DIR (KOHAKU_WEBUI_PYTHON: its Python)
	$(PY) -m pytest -m webui tests/webui $(PYTEST_ARGS)

lint: setup  ## ruff (style) and mypy (types)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: setup  ## let ruff reformat
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: setup  ## full-size SDXL merge (needs about 45 GB of disk; BENCH_DIR chooses where)
	$(PY) -m benchmarks.merge_full $(BENCH_ARGS)

clean:  ## remove what make made in this folder
	rm -rf $(VENV) $(DEMO_DIR) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
