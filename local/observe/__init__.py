"""Monitoring of a local run: Prometheus, Alertmanager, latency, the live table."""
