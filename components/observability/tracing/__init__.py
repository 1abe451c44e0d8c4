"""Jaeger and the OpenTelemetry Collectors."""
