"""Common parts of all components: manifests, names, quantities, charts, errors, registration, provider."""
