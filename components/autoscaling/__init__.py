"""Scaling: KEDA once per cluster, and how each service's replicas follow its load."""
