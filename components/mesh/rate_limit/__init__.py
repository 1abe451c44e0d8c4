"""Rate limits: Envoy's local_ratelimit filter per pod, and its ratelimit filter with a service for all pods."""
