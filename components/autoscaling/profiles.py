"""How each type of workload scales unless the stack says otherwise: the differences from the fields' own defaults.

A profile's name in, field values out. What the fields mean, their units and bounds: `scaling_args.py`. A stack's value
replaces a profile's field by field, inside `scale_up` and `scale_down` too.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.args import camel


class Profile(StrEnum):
    """Type of workload: what fills a replica, and what it costs to remove one."""

    STATELESS = "stateless"
    """Any replica answers any call: MCP 2026-07-28, or earlier revisions without sessions."""

    SESSION = "session"
    """Replicas hold sessions or streams that cannot move: grown by their number too, shrunk one by one."""

    MEMORY = "memory"
    """Replicas fill with data: memory is a guard, never a reason to shrink, since Python's heaps do not."""

    QUEUE = "queue"
    """Workers behind a queue outside: its length counts, and none need run while it is empty."""

    SINGLETON = "singleton"
    """Exactly one replica: no autoscaler."""


SESSIONS_SHARE: Final = 0.7
"""Part of the sessions that a replica accepts (`limits.sessions`) at which another is added: new replicas relieve no
old one, they only get new sessions, so there must be room until they are ready."""

SLOW: Final = {"percent": None, "pods": 1, "stabilization_seconds": 900}
"""One replica at a time after a quiet quarter of an hour: each takes sessions or warm data with it. Product rule."""

PROFILES: Final[Mapping[Profile, Mapping[str, Any]]] = {
    Profile.STATELESS: {},
    Profile.SESSION: {
        "sessions_per_replica": int(contract.SESSIONS * SESSIONS_SHARE),
        "cpu_percent": 75,  # product rule: sessions come first, CPU is the guard
        "scale_down": {**SLOW, "period_seconds": 120},
    },
    Profile.MEMORY: {
        "memory_percent": 75,  # product rule: a quarter of the limit is left for the seconds until a replica is ready
        "scale_down": {**SLOW, "period_seconds": 300},
    },
    Profile.QUEUE: {
        "in_flight_per_replica": None,  # a worker takes as much as it bears: the backlog is outside
        "cpu_percent": None,
        "scale_up": {
            "percent": 100
        },  # Kubernetes' own default: a queue waits, and tenfold workers may hurt what is behind
    },
    Profile.SINGLETON: {"min_replicas": 1, "max_replicas": 1},
}
"""Values that differ from the fields' defaults. To be tuned by a load test of the service."""


def with_profile(raw: Any) -> Any:
    """`raw` settings with the profile's value wherever they name none; what is no mapping is returned as it is."""
    if not isinstance(raw, dict):
        return raw
    name = raw.get("profile", Profile.STATELESS)
    if not isinstance(name, str) or name not in {*Profile}:
        return raw
    return merged(PROFILES[Profile(name)], raw)


def merged(defaults: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """`given`, completed by `defaults`, mappings field by field; a field may be written in either of its spellings."""
    result = dict(given)
    for field, default in defaults.items():
        written = next((key for key in (field, camel(field)) if key in given), None)
        if written is None:
            result[field] = default
        elif isinstance(default, Mapping) and isinstance(given[written], dict):
            result[written] = merged(default, given[written])
    return result
