"""Rendered objects as the configuration of one machine: topology and Envoy."""
