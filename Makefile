# Every task of the project; CI calls only these. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
STACK ?= dev

.DEFAULT_GOAL := help
.PHONY: backtest bench-mesh bench-observability bench-reaction bench-render bench-rollout bench-runtime bench-scaling-rules bench-startup bench-telemetry dashboard-pictures help setup engines local local-check test quick promql engine-tests lint format unit golden schemas lines package image-size preview clean

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

# Scaling needs Prometheus, and watches on files: Linux allows a user 128 by default, a stack of ten Envoys takes more.
WATCHES = $(shell cat /proc/sys/fs/inotify/max_user_instances 2>/dev/null || echo 1024)
LOCAL_SCALE = $(if $(or $(wildcard .engines/bin/prometheus),$(shell command -v prometheus)),$(shell test $(WATCHES) -ge 512 && echo --scale))

local: setup ## Run the dev stack here behind real Envoy until Ctrl-C
	$(BIN)/meshed-mcp local --stack $(STACK) $(LOCAL_CALLS) $(LOCAL_SCALE)

local-check: setup ## The same, then exit with 0 or 1
	$(BIN)/meshed-mcp local --stack $(STACK) --check $(LOCAL_CALLS)

# Every test module runs in one worker, so that its fixtures are made once; `make test` groups by engines as well.
PYTEST := $(BIN)/pytest --numprocesses auto
PARALLEL := $(PYTEST) --dist loadfile

test: lint ## Everything: linters, types, contracts, tests
	$(PYTEST) --dist loadgroup

lint: setup ## ruff, mypy, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

quick: setup ## Unit tests that need no engine and end soon
	$(PARALLEL) -m "not (slow or property or engine)" tests/unit

unit: setup ## All tests of modules, registrations and golden files
	$(PARALLEL) tests/unit tests/pulumi tests/golden

promql: setup ## Tests of rules and expressions, by promtool
	$(PARALLEL) tests/promql

engine-tests: setup ## Tests by real engines and by services as processes
	$(PYTEST) --dist loadgroup tests/engines tests/behaviours

format: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

golden: setup ## Write the golden files again
	$(BIN)/python -m tests.golden.write

schemas: setup ## Write the schemas of check again, from the API server and CRD files (CRD_DIR=folder)
	$(BIN)/python -m tests.schemas.write

lines: ## Count the lines a user writes in the quick start; more than 15 is an error
	@awk 'NF { count[FILENAME]++; total++ } \
		END { for (file in count) printf "%4d %s\n", count[file], file; print total " lines"; exit total > 15 }' \
		examples/quickstart/*.py examples/quickstart/*.yaml

backtest: setup ## Simulate scaling with and without a forecast on public traces
	$(BIN)/python -m bench.backtest

bench-mesh: setup ## Measure what two sidecars add to a call, beside a chain by hand
	$(BIN)/python -m bench.mesh

bench-reaction: setup ## Time a step in load until new replicas answer, with the rendered ScaledObject
	PATH=$(CURDIR)/.engines/bin:$$PATH $(BIN)/python -m bench.reaction

bench-render: setup ## Time the rendering of stacks of up to 1,000 services
	$(BIN)/python -m bench.render

bench-rollout: setup ## Count the calls that a rollout, a scale-in, a death of a replica lose
	$(BIN)/python -m bench.rollout

bench-runtime: setup ## Measure the runtime beside the bare SDK server
	$(BIN)/python -m bench.runtime

bench-scaling-rules: setup ## Evaluate the scaling rules of a thousand services
	PATH=$(CURDIR)/.engines/bin:$$PATH $(BIN)/python -m bench.scaling_rules

bench-startup: setup ## Measure the CPU time of meshed-mcp --help and check
	$(BIN)/python -m bench.startup

bench-telemetry: setup ## Measure what metrics and spans cost per call
	$(BIN)/python -m bench.telemetry_cost

dashboard-pictures: setup ## Draw the pages of docs/reference/dashboards.md again
	$(BIN)/python -m bench.dashboards.command --stack dev docs/images/dashboards

bench-observability: setup ## Measure queries, rules and the lag of a thousand pods' series
	$(BIN)/python -m bench.observability
	$(BIN)/python -m bench.series_memory

package: setup ## Build the source distribution and the wheel
	$(BIN)/python -m build --outdir dist

IMAGE_LAYER := build/image/app
MAX_IMAGE_MB := 120

image-size: setup ## Weigh the image's layer without an engine; more than 120 MB is an error
	rm -rf build/image && mkdir -p build/image
	$(BIN)/python -m build --wheel --outdir build/image . > build/image/wheel.log
	PATH=$(CURDIR)/$(BIN):$$PATH image/layer.sh $$(echo build/image/*.whl) $(IMAGE_LAYER)
	env -i PYTHONPATH=$(IMAGE_LAYER) $(CURDIR)/$(BIN)/python -S -B -W error image/imports.py
	@du --bytes --max-depth=1 $(IMAGE_LAYER) | sort -rn | awk -v most=$(MAX_IMAGE_MB) \
		'NR <= 11 { printf "%7.1f MB %s\n", $$1 / 1e6, $$2 } NR == 1 { over = $$1 > most * 1e6 } END { exit over }'

preview: setup ## Preview a stack with Pulumi (STACK=dev)
	pulumi preview --stack $(STACK)

clean: ## Remove what the tasks made, engines excepted
	rm -rf $(VENV) .local build dist rendered .mypy_cache .pytest_cache .ruff_cache
