"""Observability of a cluster: Prometheus, Alertmanager, Grafana, Jaeger, OpenTelemetry Collectors, Kiali."""
