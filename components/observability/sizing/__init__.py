"""Size of the monitoring stack: formula, resources, volumes."""
