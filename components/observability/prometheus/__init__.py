"""Prometheus and Alertmanager: chart values, remote write, network policies."""
