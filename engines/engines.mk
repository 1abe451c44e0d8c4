# The real engines the tests judge by (design: docs/architecture). Included by the Makefile.
.PHONY: engines
engines: ## get etcd, kube-apiserver, Prometheus, Alertmanager, Redis, PostgreSQL for the tests (once; ~10 minutes)
	@bash engines/install.sh $(ENGINES)
