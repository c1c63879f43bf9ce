.PHONY: run test prove check bench bench-large soak screenshots format clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOAK_SECONDS ?= 600
export SCHEDULE_ENV ?= development

run: $(VENV)/.runtime
	$(BIN)/scheduled run --web

test: $(VENV)/.dev
	$(BIN)/pytest -n 2 --dist worksteal --cov --cov-report=term

prove: $(VENV)/.dev
	$(BIN)/pytest -n 3 --dist worksteal -m prove --durations 25 --durations-min 5
	$(BIN)/pytest -n 2 --dist worksteal -m contract --on postgresql --ignore tests/web/test_api_hostile.py
	$(BIN)/pytest -n 2 --dist worksteal -m contract --on mysql --ignore tests/web/test_api_hostile.py
	$(BIN)/python -m benchmarks.soak --seconds 20

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks --json build/bench.json

bench-large: $(VENV)/.dev
	$(BIN)/python -m benchmarks history-page large admin --json build/bench-large.json

soak: $(VENV)/.dev
	$(BIN)/python -m benchmarks.soak --seconds $(SOAK_SECONDS)

screenshots: $(VENV)/.dev
	$(BIN)/python -m tests.screenshots

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/.runtime: pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[web]"
	touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	touch $@

$(VENV)/.dev: pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.runtime

clean:
	rm -rf $(VENV) dist build .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
