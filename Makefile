# All tasks of the project; CI calls only these. `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
STACK ?= dev

.DEFAULT_GOAL := help
.PHONY: backtest bench-bridge bench-mesh bench-observability bench-scale-out bench-render bench-rollout bench-runtime bench-scaling-rules bench-startup bench-telemetry dashboard-pictures help setup engines local local-check login-pictures test quick promql engine-tests lint format unit golden schemas lines package image-size preview clean

help: ## List the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(INSTALLED) ## Create .venv with pinned dependencies

$(INSTALLED): requirements.txt requirements-test.txt infra/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r infra/requirements.txt -r requirements-test.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

-include engines/engines.mk

LOCAL_CALLS := \
	--call 'mcp-controller/remember={"title": "Drain", "text": "On SIGTERM a server stops being ready, finishes its calls and exits."}' \
	--call 'mcp-controller/answer={"question": "What does a server do on SIGTERM?"}'

# Scaling needs Prometheus and inotify instances: Linux allows 128 per user by default, and ten Envoys need more.
WATCHES = $(shell cat /proc/sys/fs/inotify/max_user_instances 2>/dev/null || echo 1024)
LOCAL_SCALE = $(if $(or $(wildcard .engines/bin/prometheus),$(shell command -v prometheus)),$(shell test $(WATCHES) -ge 512 && echo --scale))

local: setup ## Run the dev stack on this machine behind real Envoy proxies until Ctrl-C
	$(BIN)/meshed-mcp local --stack $(STACK) $(LOCAL_CALLS) $(LOCAL_SCALE)

local-check: setup ## Run the dev stack, check it, then exit with 0 or 1
	$(BIN)/meshed-mcp local --stack $(STACK) --check $(LOCAL_CALLS)

# Every test module runs in one worker, so that its fixtures are made once; `make test` groups by engines as well.
PYTEST := $(BIN)/pytest --numprocesses auto
PARALLEL := $(PYTEST) --dist loadfile

test: lint ## Run all linters, type checks, import contracts and tests
	$(PYTEST) --dist loadgroup

lint: setup ## Run ruff, mypy and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell -D - -D docs/words.txt

quick: setup ## Unit tests that need no engine and end soon
	$(PARALLEL) -m "not (slow or property or engine)" tests/unit

unit: setup ## All tests of modules, registrations and golden files
	$(PARALLEL) tests/unit tests/pulumi tests/golden

promql: setup ## Tests of rules and expressions, by promtool
	$(PARALLEL) tests/promql

engine-tests: setup ## Tests by real engines and by services as processes
	$(PYTEST) --dist loadgroup tests/engines tests/behaviors

format: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

golden: setup ## Regenerate the golden files
	$(BIN)/python -m tests.golden.write

schemas: setup ## Regenerate the schemas of check, from the API server and CRD files (CRD_DIR=folder)
	$(BIN)/python -m tests.schemas.write

lines: ## Count the lines of the quick start; fail above 15
	@awk 'NF { count[FILENAME]++; total++ } \
		END { for (file in count) printf "%4d %s\n", count[file], file; print total " lines"; exit total > 15 }' \
		examples/quickstart/*.py examples/quickstart/*.yaml

backtest: setup ## Backtest the load forecast on public traces
	$(BIN)/python -m bench.backtest

bench-bridge: setup ## Measure the latency, processes and memory of the bridge (SESSIONS=number opened and closed)
	$(BIN)/python -m bench.bridge $(SESSIONS)

bench-mesh: setup ## Measure the latency of two sidecars, compared with hand-written Envoys
	$(BIN)/python -m bench.mesh

bench-scale-out: setup ## Measure the scale-out latency with the rendered ScaledObject
	PATH=$(CURDIR)/.engines/bin:$$PATH $(BIN)/python -m bench.scale_out_latency

bench-render: setup ## Measure the time to render stacks of up to 1,000 services
	$(BIN)/python -m bench.render

bench-rollout: setup ## Count calls lost in rollouts, scale-ins and replica failures
	$(BIN)/python -m bench.rollout

bench-runtime: setup ## Measure the runtime overhead, compared with the bare SDK server
	$(BIN)/python -m bench.runtime

bench-scaling-rules: setup ## Measure the evaluation of scaling rules for 1,000 services
	PATH=$(CURDIR)/.engines/bin:$$PATH $(BIN)/python -m bench.scaling_rules

bench-startup: setup ## Measure the CPU time of meshed-mcp --help and check
	$(BIN)/python -m bench.startup

bench-telemetry: setup ## Measure the CPU cost of metrics and spans per call
	$(BIN)/python -m bench.telemetry_cost

dashboard-pictures: setup ## Regenerate the pictures of docs/reference/dashboards.md
	$(BIN)/python -m bench.dashboards.command --stack dev docs/images/dashboards

login-pictures: setup ## Regenerate the pictures of docs/how-to/connect-a-client.md
	$(BIN)/python -m tests.engines.login.pictures docs/images/login

bench-observability: setup ## Measure dashboard queries, rules, lag and memory at 1,000 pods
	$(BIN)/python -m bench.observability
	$(BIN)/python -m bench.series_memory

package: setup ## Build the source distribution and the wheel
	$(BIN)/python -m build --outdir dist

IMAGE_LAYER := build/image/app
MAX_IMAGE_MB := 120

image-size: setup ## Measure the image's layer without a container engine; fail above 120 MB
	rm -rf build/image && mkdir -p build/image
	$(BIN)/python -m build --wheel --outdir build/image . > build/image/wheel.log
	PATH=$(CURDIR)/$(BIN):$$PATH image/layer.sh $$(echo build/image/*.whl) $(IMAGE_LAYER)
	env -i PYTHONPATH=$(IMAGE_LAYER) $(CURDIR)/$(BIN)/python -S -B -W error image/imports.py
	@du --bytes --max-depth=1 $(IMAGE_LAYER) | sort -rn | awk -v most=$(MAX_IMAGE_MB) \
		'NR <= 11 { printf "%7.1f MB %s\n", $$1 / 1e6, $$2 } NR == 1 { over = $$1 > most * 1e6 } END { exit over }'

preview: setup ## Preview a stack with Pulumi (STACK=dev)
	pulumi preview --stack $(STACK)

clean: ## Remove generated files, except engines
	rm -rf $(VENV) .local build dist rendered .mypy_cache .pytest_cache .ruff_cache
