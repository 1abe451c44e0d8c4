"""Load balancing of clusters and routes. Pure. Source: istiod, applyLoadBalancer, ApplyLocalityLoadBalancer."""

from collections.abc import Sequence
from math import ceil
from typing import Final

from meshed_mcp.local.translate.envoy.api import Message, duration, present, socket_address
from meshed_mcp.local.translate.objects.destination_rule import (
    ConsistentHash,
    Distribute,
    LoadBalancer,
    LocalityLbSetting,
    RingHash,
    Warmup,
)

LEVELS: Final = ("region", "zone", "sub_zone")
"""Source: Envoy, config.core.v3.Locality."""

OTHER_REGION: Final = 3
NO_FAILOVER: Final = 4
"""Source: istiod, util.LbPriority and applyLocalityFailover."""

Endpoint = tuple[str, int, str]
"""Address, port, locality such as `europe/a`; "" without localities."""


def balancing(settings: LoadBalancer | None) -> Message:
    """The fields of a cluster. Source of the default: Istio DestinationRule, LoadBalancerSettings."""
    settings = settings or LoadBalancer()
    if settings.consistent_hash is not None:
        return _hashing(settings.consistent_hash)
    policy = "LEAST_REQUEST" if settings.simple == "UNSPECIFIED" else settings.simple
    slow_start = {} if settings.warmup is None else {f"{policy.lower()}_lb_config": _slow_start(settings.warmup)}
    return {"lb_policy": policy, **slow_start}


def hash_policy(settings: LoadBalancer | None) -> list[Message]:
    """The field `hash_policy` of a route. Source: istiod, getHashPolicy."""
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
    size = (consistent.ring_hash or RingHash()).minimum_ring_size
    return {"lb_policy": "RING_HASH", "ring_hash_lb_config": {"minimum_ring_size": size}}


def _slow_start(warmup: Warmup) -> Message:
    return {
        "slow_start_config": {
            "slow_start_window": duration(warmup.duration),
            "aggression": {"default_value": warmup.aggression, "runtime_key": "slow_start.aggression"},
            "min_weight_percent": {"value": warmup.minimum_percent},
        }
    }


def assignment(
    cluster: str, endpoints: Sequence[Endpoint], caller: str, setting: LocalityLbSetting, *, detects: bool
) -> Message:
    """A ClusterLoadAssignment. Istio sets priorities only with outlier detection (`detects`)."""
    groups = {key: [each for each in endpoints if each[2] == key] for key in sorted({each[2] for each in endpoints})}
    if not caller or not setting.enabled or not any(groups):
        return {"cluster_name": cluster, "endpoints": [_group(endpoints, "")]}
    shares = next((each for each in setting.distribute if _within(caller, each.from_)), None)
    if shares is not None:
        found = [_group(groups[each], each) | _weight(each, shares, groups) for each in groups]
        return {"cluster_name": cluster, "endpoints": [each for each in found if "load_balancing_weight" in each]}
    ranks = {each: _rank(caller, each, setting) if detects else 0 for each in groups}
    order = sorted(set(ranks.values()))
    found = [_group(groups[each], each) | {"priority": order.index(ranks[each])} for each in groups]
    return {"cluster_name": cluster, "endpoints": found}


def weighted(setting: LocalityLbSetting, caller: str) -> Message:
    """Field of `common_lb_config` for localities with weights."""
    chosen = setting.enabled and any(_within(caller, each.from_) for each in setting.distribute)
    return {"locality_weighted_lb_config": {}} if caller and chosen else {}


def _group(endpoints: Sequence[Endpoint], locality: str) -> Message:
    hosts = [{"endpoint": {"address": socket_address(address, port)}} for address, port, _ in endpoints]
    parts = dict(zip(LEVELS, locality.split("/"), strict=False)) if locality else {}
    return {**({"locality": parts} if parts else {}), "lb_endpoints": hosts}


def _weight(locality: str, shares: Distribute, groups: dict[str, list[Endpoint]]) -> Message:
    """A share of several localities is divided by their numbers of endpoints."""
    for to, percent in shares.to.items():
        if _within(locality, to):
            total = sum(len(found) for other, found in groups.items() if _within(other, to))
            return {"load_balancing_weight": ceil(percent * len(groups[locality]) / total)}
    return {}


def _within(locality: str, pattern: str) -> bool:
    """Source: istiod, util.LocalityMatch: missing parts and `*` match any."""
    parts = [*locality.split("/"), "", ""]
    return all(wanted in ("", "*", part) for wanted, part in zip(pattern.split("/"), parts, strict=False))


def _rank(caller: str, locality: str, setting: LocalityLbSetting) -> int:
    """Distance: 0 the same locality, 3 another region, 4 a region without failover from the caller's."""
    mine, theirs = [*caller.split("/"), "", ""][:3], [*locality.split("/"), "", ""][:3]
    same = next((level for level in range(3) if mine[level] != theirs[level]), len(LEVELS))
    if same:
        return len(LEVELS) - same
    targets = [each.to for each in setting.failover if each.from_ == mine[0]]
    return OTHER_REGION if not targets or theirs[0] == targets[0] else NO_FAILOVER
