.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
BIN := .venv/bin
CONSOLE := backend/console
NODE_MODULES := backend/node_modules
CONSOLE_SOURCES := $(shell find $(CONSOLE) backend/client -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/tests/*') \
	$(wildcard backend/*.json backend/contracts/*.json)
NODE_IS_NEW_ENOUGH := const [a, b] = process.versions.node.split(".").map(Number); \
	process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)

# QUICK=1 runs the short form of a slow target: a minute at most, and nothing is written.
QUICK ?=
QUICK_FLAG := $(if $(QUICK),--quick)

help:  ## Show what each target does
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Use
run: .venv/.local console-if-node  ## Start everything on this machine: http://127.0.0.1:8765 (no account, no key)
	@$(BIN)/python -m backend.local.main

watch: .venv/.local  ## Print every event of every project as it happens (needs `make run`)
	@$(BIN)/python -m backend.local.watch

chat: .venv/.local  ## Talk to a project in the terminal (needs `make run`)
	@$(BIN)/python -m backend.local.chat

console:  ## Build the console, the web page at / (needs Node 20.19, or 22.12 or newer)
	@if node --eval '$(NODE_IS_NEW_ENOUGH)' 2>/dev/null; then \
		$(MAKE) --no-print-directory --silent $(CONSOLE)/dist/index.html; \
	else echo "console was SKIPPED: no Node.js with npm (https://nodejs.org, 20.19, or 22.12 or newer)"; fi

##@ Test
# T="tests/domain/test_merge.py -k name": what pytest takes.
test: .venv/.dev tmux-if-may  ## Run the test suite, or with T=tests/... a part of it
	$(BIN)/python -m pytest $(or $(T),--numprocesses 2 --dist loadfile)

check: .venv/.dev  ## Check style, types, import contracts, generated files and terms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m backend.contracts.documents --check
	@$(MAKE) --no-print-directory terms

# Generated files, the list itself and the licence are not checked.
terms: .venv/.dev
	@git ls-files -z -- . ':!*package-lock.json' ':!requirements/*.txt' ':!backend/validated_test_evidence' \
		':!tests/architecture/old_terms.txt' ':!LICENSE' ':!*.png' | xargs -0 $(BIN)/codespell

validate: .venv-sam/.sam  ## Validate template.yaml with SAM and cfn-lint (no account)
	SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam validate --lint --region us-east-1

# QUICK=1 omits the sequences and kill points that `make test` has a short form of.
test-long: .venv/.dev tmux-if-may  ## Run the slower tests: killed and damaged servers, model faults, random histories, end to end
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "long or end_to_end"
	$(if $(QUICK),,VIBEWIRE_TEST_ALL_CRASHES=1 VIBEWIRE_TEST_EXAMPLES=300 $(BIN)/python -m pytest --numprocesses 2 --dist load \
		tests/faults/test_killed_between_any_two_steps.py tests/stateful)

test-targets: .venv/.dev  ## Test `make run`, `make watch` and `make chat` as typed in a terminal
	$(BIN)/python -m pytest -m targets tests/targets

test-relay: .venv/.dev relay-peers-if-node  ## Test the relay with the official JavaScript client (needs Node), and kill relays at random
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m relay_stress tests/relay_stress

# How long, in seconds.
FUZZ_SECONDS ?= $(if $(QUICK),30,300)
fuzz-relay: .venv/.dev  ## Send garbage and floods to the relay for five minutes: memory stays flat, other clients undisturbed
	VIBEWIRE_TEST_FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python -m pytest -m relay_fuzz tests/relay_fuzz

check-console:  ## Lint, type-check and test the console and the event client (needs Node)
	@if command -v npm >/dev/null; then \
		$(MAKE) --no-print-directory $(NODE_MODULES)/.dev && \
		cd backend && npm run --silent check && npm run --silent test; \
	else echo "check-console was SKIPPED: no Node.js with npm (https://nodejs.org, 20.19 or newer)"; fi

test-console: .venv/.dev  ## Test the console in headless Chromium (needs Node; installs Debian's chromium if it may)
	@tests/console/run

test-lambda: .venv/.dev .venv-sam/.sam  ## Run the functions' artifacts in the Lambda emulator (needs Python 3.13)
	@if $(BIN)/python infra/build_function.py --interpreter; then \
		$(BIN)/python infra/build_function.py && $(BIN)/python -m pytest -m emulator tests/emulator; \
	else echo "test-lambda was SKIPPED: no Python 3.13"; fi

sam-local: .venv/.dev .venv-sam/.sam  ## Run each function with `sam local`, moto in the place of AWS (needs docker or podman)
	SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam build
	@$(BIN)/python -m tests.sam_local.run $(QUICK_FLAG)

# Three mounts of one NFSv4.1 folder, named by VIBEWIRE_TEST_NFS_MOUNTS, _EXPORT and _PLUG: see tests/nfs/conftest.py.
nfs: .venv/.dev  ## Test the memory on NFSv4.1, and write the transcript (needs three mounts)
	@$(BIN)/python -m tests.nfs.write_transcript $(QUICK_FLAG)

EVIDENCE := backend/validated_test_evidence
evidence: .venv/.dev  ## Write backend/validated_test_evidence/ from what runs now
	$(BIN)/python -m tests.evidence.write_evidence --folder $(EVIDENCE)/phase-005
	VIBEWIRE_TEST_SCREENSHOTS=$(EVIDENCE)/console tests/console/run -q -m "browser and pictured" $(if $(QUICK),-k first_visit)

##@ Measure
bench: .venv/.dev  ## Measure what a turn costs against a bare script, and print the ratios
	$(BIN)/python -m tests.bench.turn_cost $(QUICK_FLAG)

bench-cost: .venv/.dev  ## Measure what texts of doubling sizes cost, and how long they block the event loop
	$(BIN)/python -m tests.bench.text_cost $(QUICK_FLAG)

bench-start: .venv/.dev  ## Measure how soon `make run` answers, against the bare import of the Agents SDK
	@$(BIN)/python -m tests.bench.start $(QUICK_FLAG)

bench-dynamodb: .venv/.dev  ## Count what a turn uses of DynamoDB as its session grows
	@$(BIN)/python -m tests.bench.dynamodb_cost $(QUICK_FLAG)

bench-cold-start: .venv/.dev .venv-sam/.sam  ## Measure how long the functions' artifacts take to start (needs Python 3.13)
	@if $(BIN)/python infra/build_function.py --interpreter; then \
		$(BIN)/python infra/build_function.py && $(BIN)/python -m tests.bench.cold_start $(QUICK_FLAG); \
	else echo "bench-cold-start was SKIPPED: no Python 3.13"; fi

bench-relay: .venv/.dev .venv/.bench relay-peers-if-node  ## Measure the relay against Node's socket.io: deliveries, latency, memory (needs Node)
	@$(BIN)/python -m tests.bench_relay.run $(QUICK_FLAG)

bench-onboarding: .venv/.dev  ## Measure the time from git clone to the first streamed token (needs Node and Chromium)
	@if tests/console/ensure_chromium bench-onboarding; then \
		$(MAKE) --no-print-directory --silent .venv/.console && $(BIN)/python -m tests.console.onboarding; fi

##@ Deploy
# UPDATE_BASE=1 only pins its base image to the current digest; FORCE=1 builds and pushes the same sources again.
relay-image: .venv/.dev  ## Build the relay's image, push it to ECR, print its address for sam deploy (needs docker or podman)
	@$(BIN)/python infra/relay/publish_image.py $(if $(QUICK),--check) $(if $(FORCE),--force) $(if $(UPDATE_BASE),--update-base)

artifacts: .venv/bin/uv  ## Build the functions' artifacts without SAM, and print their sizes (needs Python 3.13)
	@if $(BIN)/python infra/build_function.py --interpreter; then $(BIN)/python infra/build_function.py; \
	else echo "artifacts was SKIPPED: no Python 3.13"; fi

##@ Maintain
contracts: .venv/.dev  ## Write OpenAPI, AsyncAPI, docs/reference and the event client's types from the code
	@$(BIN)/python -m backend.contracts.documents

format: .venv/.dev  ## Format the code and apply the fixes of the linter
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/.dev  ## Compile requirements/*.txt from pyproject.toml, with hashes
	./requirements/lock

clean:  ## Remove the virtual environment, caches and local data
	rm -rf backend/{client,console}/{dist,node_modules} $(NODE_MODULES) .venv .venv-sam .vibewire .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# What `sam build` calls for each function (BuildMethod: makefile).
build-%: .venv/bin/uv
	@$(BIN)/python infra/build_function.py $* "$(ARTIFACTS_DIR)"

# The virtual environment. uv comes from its own hashed file, so that only `python3 -m venv` is needed.
.venv/bin/uv: requirements/uv.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/.%: requirements/%.txt .venv/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	@touch $@

# Rebuilt only when a source has changed. Without Node the server says what to install.
console-if-node:
	@$(MAKE) --no-print-directory --silent console || echo "The console could not be built; all else works."

$(CONSOLE)/dist/index.html: $(CONSOLE_SOURCES) $(NODE_MODULES)/.package-lock.json
	@cd $(CONSOLE) && npm run --silent build -- --logLevel warn

$(NODE_MODULES)/.package-lock.json: backend/package-lock.json
	@cd backend && npm ci --omit=dev --ignore-scripts --no-fund --no-audit --silent
	@touch $@

# For the tests of the terminal, which are skipped without it.
tmux-if-may:
	@if ! command -v tmux >/dev/null && [[ "$$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends tmux; } >/dev/null \
			|| echo "Debian's tmux could not be installed: the terminal is not tested."; fi

# The official JavaScript client and server, for the relay's tests and benchmark. Without Node those report that they were skipped.
relay-peers-if-node:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory --silent tests/node/node_modules/.package-lock.json; \
	else echo "There is no Node.js with npm (https://nodejs.org, 20.19 or newer): what needs it is skipped."; fi

tests/node/node_modules/.package-lock.json: tests/node/package-lock.json
	@cd tests/node && npm ci --ignore-scripts --no-fund --no-audit --silent
	@touch $@

$(NODE_MODULES)/.dev: backend/package-lock.json .venv/.local
	cd backend && npm ci --ignore-scripts --no-fund --no-audit --silent
	@touch $@ $(NODE_MODULES)/.package-lock.json

# The SAM command line pins much of what it needs: an environment of its own.
.venv-sam/.sam: requirements/sam.txt .venv/bin/uv
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-sam
	$(BIN)/uv pip install --quiet --python .venv-sam/bin/python --require-hashes -r $<
	@touch $@

.PHONY: terms validate relay-image sam-local bench-dynamodb bench-cold-start bench-cost bench-start
.PHONY: nfs test-targets artifacts test-lambda test-relay fuzz-relay bench-relay relay-peers-if-node
.PHONY: console console-if-node check-console test-console bench-onboarding contracts
.PHONY: tmux-if-may help run watch chat test test-long check evidence bench format lock clean
