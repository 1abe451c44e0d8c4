"""Processes that help to scale: they read from Prometheus and write to the Kubernetes API, and serve no calls."""
