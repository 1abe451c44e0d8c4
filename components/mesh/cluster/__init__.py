"""Istio in one cluster: Helm releases, gateways, revisions, telemetry, extensions."""
