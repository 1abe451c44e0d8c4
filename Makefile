# Every task of the project; CI calls only these. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
STACK ?= dev

.DEFAULT_GOAL := help
.PHONY: help setup engines local local-check test lint format unit golden lines package preview clean

help: ## List the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(INSTALLED) ## Make .venv with everything pinned

$(INSTALLED): requirements.txt requirements-test.txt infra/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r infra/requirements.txt -r requirements-test.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

-include engines/engines.mk

LOCAL_CALLS := \
	--call 'mcp-controller/remember={"title": "Drain", "text": "On SIGTERM a server stops being ready, finishes its calls and exits."}' \
	--call 'mcp-controller/answer={"question": "What does a server do on SIGTERM?"}'

local: setup ## Run the dev stack here behind real Envoy until Ctrl-C
	$(BIN)/meshed-mcp local --stack $(STACK) $(LOCAL_CALLS)

local-check: setup ## The same, then exit with 0 or 1
	$(BIN)/meshed-mcp local --stack $(STACK) --check $(LOCAL_CALLS)

test: lint unit ## Everything: linters, types, contracts, tests

lint: setup ## ruff, mypy, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup
	$(BIN)/pytest

format: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

golden: setup ## Write the golden files again
	$(BIN)/python -m tests.golden.write

lines: ## Count the lines a user writes in the quick start; more than 15 is an error
	@awk 'NF { count[FILENAME]++; total++ } \
		END { for (file in count) printf "%4d %s\n", count[file], file; print total " lines"; exit total > 15 }' \
		examples/quickstart/*.py examples/quickstart/*.yaml

package: setup ## Build the source distribution and the wheel
	$(BIN)/python -m build --outdir dist

preview: setup ## Preview a stack with Pulumi (STACK=dev)
	pulumi preview --stack $(STACK)

clean: ## Remove what the tasks made, engines excepted
	rm -rf $(VENV) .local build dist rendered .mypy_cache .pytest_cache .ruff_cache
