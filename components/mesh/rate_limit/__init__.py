"""Rate limits of one service: local in each sidecar, shared by the rate limit service."""
