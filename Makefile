.PHONY: demo check format lint types imports test lab lab-check bench

VENV := .venv
RUN := $(VENV)/bin
PYTHON ?= python3

demo: $(VENV)/.ready          ## the main job on real input: a clip, a changed copy of it, two reports
	$(RUN)/python examples/demo.py out/demo

check: lint types imports test ## everything that CI runs

format: $(VENV)/.ready
	$(RUN)/ruff format .
	$(RUN)/ruff check --fix .

lint: $(VENV)/.ready
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .

types: $(VENV)/.ready
	$(RUN)/mypy

imports: $(VENV)/.ready
	$(RUN)/lint-imports

test: $(VENV)/.ready
	$(RUN)/pytest

$(VENV)/.ready: pyproject.toml uv.lock
	test -x $(RUN)/uv || ($(PYTHON) -m venv $(VENV) && $(RUN)/python -m pip install --quiet uv)
	$(RUN)/uv sync --frozen --inexact --quiet
	touch $@
