"""Locality load balancing: endpoints of a cluster with priorities and weights for a client in one locality. Pure.

Source: istiod, ApplyLocalityLoadBalancer.
"""

from collections.abc import Sequence
from math import ceil
from typing import Final

from meshed_mcp.local.translate.envoy.api import Message, socket_address
from meshed_mcp.local.translate.objects.load_balancing import Distribute, LocalityLbSetting

LEVELS: Final = ("region", "zone", "sub_zone")
"""Source: Envoy, config.core.v3.Locality."""

OTHER_REGION: Final = 3
NO_FAILOVER: Final = 4
"""Source: istiod, util.LbPriority and applyLocalityFailover."""

Endpoint = tuple[str, int, str]
"""Address, port, locality such as `europe/a`; "" without localities."""


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
