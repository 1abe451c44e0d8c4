"""Autoscaler agents: processes that query Prometheus and patch objects through the Kubernetes API."""
