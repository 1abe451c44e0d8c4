"""Scaling profiles: defaults of `scaling:` for each type of workload.

A value of the stack replaces a profile's field by field, inside `scale_up` and `scale_down` too.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.args import camel


class Profile(StrEnum):
    """Type of workload: what fills a replica, and what its removal costs."""

    STATELESS = "stateless"
    """Any replica serves any request: MCP 2026-07-28, or earlier revisions without sessions."""

    SESSION = "session"
    """Replicas hold sessions or streams that cannot move: scale-out on their number too, scale-in one by one."""

    MEMORY = "memory"
    """Replicas fill with data: memory scales out, never in, because Python rarely returns it."""

    QUEUE = "queue"
    """Workers of an external queue: they scale on its length, to zero if allowed."""

    SINGLETON = "singleton"
    """Exactly one replica: no autoscaler."""


SESSIONS_SHARE: Final = 0.7
"""Target share of `limits.sessions`. New replicas take new sessions only, so the old ones need headroom meanwhile."""

SLOW: Final = {"percent": None, "pods": 1, "stabilization_seconds": 900}
"""One replica at a time after 15 quiet minutes: each loses sessions or warm data. Product rule."""

PROFILES: Final[Mapping[Profile, Mapping[str, Any]]] = {
    Profile.STATELESS: {},
    Profile.SESSION: {
        "sessions_per_replica": int(contract.SESSIONS * SESSIONS_SHARE),
        "cpu_percent": 75,  # product rule
        "scale_down": {**SLOW, "period_seconds": 120},
    },
    Profile.MEMORY: {
        "memory_percent": 75,  # product rule: headroom until a replica is ready
        "scale_down": {**SLOW, "period_seconds": 300},
    },
    Profile.QUEUE: {
        "in_flight_per_replica": None,
        "cpu_percent": None,
        "scale_up": {"percent": 100},  # Kubernetes' default: tenfold workers may overload their upstreams
    },
    Profile.SINGLETON: {"min_replicas": 1, "max_replicas": 1},
}
"""Values that differ from the fields' defaults."""


def with_profile(raw: Any) -> Any:
    """`raw` settings completed by the profile's defaults; anything but a mapping is returned unchanged."""
    if not isinstance(raw, dict):
        return raw
    name = raw.get("profile", Profile.STATELESS)
    if not isinstance(name, str) or name not in {*Profile}:
        return raw
    return merged(PROFILES[Profile(name)], raw)


def merged(defaults: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """`given` completed by `defaults`, recursively; fields are in snake or camel case."""
    result = dict(given)
    for field, default in defaults.items():
        written = next((key for key in (field, camel(field)) if key in given), None)
        if written is None:
            result[field] = default
        elif isinstance(default, Mapping) and isinstance(given[written], dict):
            result[written] = merged(default, given[written])
    return result
