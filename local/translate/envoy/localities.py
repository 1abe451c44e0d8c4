"""Endpoints of a cluster by place: priorities and weights as a caller in one place sees them. Pure.

Endpoints with their places and the caller's place in, a ClusterLoadAssignment out. Without places there is one group.
Source of the translation: istiod, ApplyLocalityLoadBalancer.
"""

from collections.abc import Sequence
from math import ceil
from typing import Final

from meshed_mcp.local.translate.envoy.api import Message, socket_address
from meshed_mcp.local.translate.objects.load_balancing import Distribute, LocalityLbSetting

LEVELS: Final = ("region", "zone", "sub_zone")
"""Source: Envoy, config.core.v3.Locality."""

OTHER_REGION: Final = 3
NO_SUBSTITUTE: Final = 4
"""Source: istiod, util.LbPriority and applyLocalityFailover."""

Endpoint = tuple[str, int, str]
"""Address, port, place such as `europe/a`; "" where there are no places."""


def assignment(
    cluster: str, endpoints: Sequence[Endpoint], caller: str, setting: LocalityLbSetting, *, detects: bool
) -> Message:
    """The endpoints; places only give priorities where sick endpoints are noticed (`detects`), as Istio says."""
    groups = {place: [each for each in endpoints if each[2] == place] for place in sorted({e[2] for e in endpoints})}
    if not caller or not setting.enabled or not any(groups):
        return {"cluster_name": cluster, "endpoints": [_group(endpoints, "")]}
    shares = next((each for each in setting.distribute if _within(caller, each.from_)), None)
    if shares is not None:
        found = [_group(groups[place], place) | _weight(place, shares, groups) for place in groups]
        return {"cluster_name": cluster, "endpoints": [each for each in found if "load_balancing_weight" in each]}
    ranks = {place: _rank(caller, place, setting) if detects else 0 for place in groups}
    order = sorted(set(ranks.values()))
    return {
        "cluster_name": cluster,
        "endpoints": [_group(groups[place], place) | {"priority": order.index(ranks[place])} for place in groups],
    }


def weighted(setting: LocalityLbSetting, caller: str) -> Message:
    """What a cluster's `common_lb_config` needs where places have weights."""
    chosen = setting.enabled and any(_within(caller, each.from_) for each in setting.distribute)
    return {"locality_weighted_lb_config": {}} if caller and chosen else {}


def _group(endpoints: Sequence[Endpoint], place: str) -> Message:
    hosts = [{"endpoint": {"address": socket_address(address, port)}} for address, port, _ in endpoints]
    parts = dict(zip(LEVELS, place.split("/"), strict=False)) if place else {}
    return {**({"locality": parts} if parts else {}), "lb_endpoints": hosts}


def _weight(place: str, shares: Distribute, groups: dict[str, list[Endpoint]]) -> Message:
    """A share given to several places is divided by their endpoints; a place without any gets no calls."""
    for to, percent in shares.to.items():
        if _within(place, to):
            total = sum(len(found) for other, found in groups.items() if _within(other, to))
            return {"load_balancing_weight": ceil(percent * len(groups[place]) / total)}
    return {}


def _within(place: str, pattern: str) -> bool:
    """Source: istiod, util.LocalityMatch: missing parts and `*` match any."""
    parts = [*place.split("/"), "", ""]
    return all(wanted in ("", "*", part) for wanted, part in zip(pattern.split("/"), parts, strict=False))


def _rank(caller: str, place: str, setting: LocalityLbSetting) -> int:
    """How far away a place is: 0 the same, 3 another region, 4 a region that is no substitute."""
    mine, theirs = [*caller.split("/"), "", ""][:3], [*place.split("/"), "", ""][:3]
    same = next((level for level in range(3) if mine[level] != theirs[level]), len(LEVELS))
    if same:
        return len(LEVELS) - same
    substitutes = [each.to for each in setting.failover if each.from_ == mine[0]]
    return OTHER_REGION if not substitutes or theirs[0] == substitutes[0] else NO_SUBSTITUTE
