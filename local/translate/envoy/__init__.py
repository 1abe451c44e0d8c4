"""Envoy configuration from the topology: pure functions that return Envoy's API v3 messages as dicts."""
