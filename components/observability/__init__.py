"""Monitoring: cert-manager, Prometheus, Alertmanager, Grafana with our dashboards, and Jaeger. Once per cluster."""
