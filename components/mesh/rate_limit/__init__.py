"""Rate limits: Envoy's local_ratelimit filter per pod, and the ratelimit filter with a rate limit service for all pods.

args.py: settings of a service (`rate_limits`). local.py: EnvoyFilter with the local_ratelimit filter. shared.py:
ratelimit filter and descriptor rules. descriptors.py: descriptor actions of both filters. server_args.py, server.py:
settings (`rate_limiting`) and objects of the rate limit service.
"""
