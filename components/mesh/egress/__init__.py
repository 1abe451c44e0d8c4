"""Egress of services: Sidecar scope, ServiceEntries, egress gateway, NetworkPolicies."""
