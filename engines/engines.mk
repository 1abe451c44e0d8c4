# The real engines the tests judge by (design: docs/architecture). Included by the Makefile.
.PHONY: engines conformance
engines: setup ## get etcd, kube-apiserver, kube-controller-manager, istiod, the rate limit service, the OpenTelemetry Collector, Prometheus, Alertmanager, Redis, PostgreSQL for the tests (once; ~15 minutes)
	@bash engines/install.sh $(ENGINES)

conformance: setup ## Run the official MCP conformance suite: both revisions, bare and behind the local mesh
	@bash engines/install.sh conformance redis
	$(BIN)/python engines/conformance/run.py
