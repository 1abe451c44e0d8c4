# The engines that the tests use. Included by the Makefile.
.PHONY: engines conformance
engines: setup ## Install the engines for the tests: etcd, kube-apiserver, kube-controller-manager, istiod, rate limit service, OpenTelemetry Collector, Prometheus, Alertmanager, Redis, PostgreSQL, conformance suite, MCP servers of others, stdio launcher, Keycloak, Chromium, MCP Inspector (once, about 20 minutes)
	@bash engines/install.sh $(ENGINES)

conformance: setup ## Run the official MCP conformance suite: both revisions, as a single process and behind the local mesh
	@bash engines/install.sh conformance redis
	$(BIN)/python engines/conformance/run.py
