"""The mesh of one cluster: Istio releases, gateways, revisions, telemetry, extensions."""
