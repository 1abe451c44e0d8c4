"""What a service may reach: sidecar scope, ServiceEntries, the egress gateway, NetworkPolicies."""
