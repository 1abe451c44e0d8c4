"""LoadBalancerSettings as fields of an Envoy cluster and of its routes. Pure.

Source of the translation: istiod, applyLoadBalancer and getHashPolicy.
"""

from typing import Final

from meshed_mcp.local.translate.envoy.api import Message, duration, present
from meshed_mcp.local.translate.objects.load_balancing import ConsistentHash, LoadBalancer, Warmup

RING_SIZE: Final = 1024
"""Source: Istio DestinationRule, ConsistentHashLB, `minimumRingSize`."""


def balancing(settings: LoadBalancer | None) -> Message:
    """The fields of a cluster. Source of the default: Istio DestinationRule, LoadBalancerSettings."""
    settings = settings or LoadBalancer()
    if settings.consistent_hash is not None:
        return _hashing(settings.consistent_hash)
    policy = "LEAST_REQUEST" if settings.simple == "UNSPECIFIED" else settings.simple
    slow_start = {} if settings.warmup is None else {f"{policy.lower()}_lb_config": _slow_start(settings.warmup)}
    return {"lb_policy": policy, **slow_start}


def hash_policy(settings: LoadBalancer | None) -> list[Message]:
    """The field `hash_policy` of a route."""
    consistent = settings.consistent_hash if settings else None
    if consistent is None:
        return []
    if consistent.http_header_name is not None:
        return [{"header": {"header_name": consistent.http_header_name}}]
    if consistent.http_query_parameter_name is not None:
        return [{"query_parameter": {"name": consistent.http_query_parameter_name}}]
    return [{"connection_properties": {"source_ip": True}}]


def _hashing(consistent: ConsistentHash) -> Message:
    if consistent.maglev is not None:
        table = present(table_size=consistent.maglev.table_size)
        return {"lb_policy": "MAGLEV", **({"maglev_lb_config": table} if table else {})}
    size = consistent.ring_hash.minimum_ring_size if consistent.ring_hash else RING_SIZE
    return {"lb_policy": "RING_HASH", "ring_hash_lb_config": {"minimum_ring_size": size}}


def _slow_start(warmup: Warmup) -> Message:
    return {
        "slow_start_config": {
            "slow_start_window": duration(warmup.duration),
            "aggression": {"default_value": warmup.aggression, "runtime_key": "slow_start.aggression"},
            "min_weight_percent": {"value": warmup.minimum_percent},
        }
    }
