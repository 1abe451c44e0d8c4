"""What every component stands on: manifests, names, quantities, charts, queries, faults, registration, the host."""
