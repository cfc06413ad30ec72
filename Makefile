.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
BIN := .venv/bin

help:  ## Show what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: .venv/.local  ## Start everything on this machine: http://127.0.0.1:8765 (no account, no key)
	@$(BIN)/python -m backend.local.main

watch: .venv/.local  ## Print every event of every project as it happens (needs `make run`)
	@$(BIN)/python -m backend.local.watch

chat: .venv/.local  ## Talk to a project in the terminal (needs `make run`)
	@$(BIN)/python -m backend.local.chat

test: .venv/.dev  ## Run the whole test suite
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-long: .venv/.dev  ## The slower proofs: every kill point on every side, many more random histories
	VIBEWIRE_TEST_ALL_CRASHES=1 VIBEWIRE_TEST_EXAMPLES=300 $(BIN)/python -m pytest --numprocesses 2 --dist load \
		tests/faults/test_killed_between_any_two_steps.py tests/stateful

check: .venv/.dev  ## Lint, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

evidence: .venv/.dev  ## Write backend/validated_test_evidence/ from what runs now
	$(BIN)/python -m tests.evidence.write_evidence

bench: .venv/.dev  ## Measure what a turn costs against a bare script, and print the ratios
	$(BIN)/python -m tests.bench.turn_cost

format: .venv/.dev  ## Format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/.dev  ## Compile requirements/*.txt from pyproject.toml, with hashes
	./requirements/lock

clean:  ## Remove the virtual environment, caches and local data
	rm -rf .venv .vibewire .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The virtual environment. uv comes from its own hashed file, so that only `python3 -m venv` is needed.
.venv/bin/uv: requirements/uv.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/.%: requirements/%.txt .venv/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	@touch $@

.PHONY: help run watch chat test test-long check evidence bench format lock clean
