"""Translation of rendered objects to a topology and Envoy configuration."""
