"""Alerts on limits and on the mesh: something is used up, or goes a way that it should not. Records out.

Not here: expressions (`core/limit_queries.py`), rules made of the records (`alerts.py`).
"""

from collections.abc import Iterator
from typing import Final

from meshed_mcp.components.core import limit_queries as limits
from meshed_mcp.components.observability.alert import NUMBER, PERCENT, SERVER, Alert

WORKLOAD: Final = "{{ $labels.destination_workload }} in {{ $labels.destination_workload_namespace }}"


def limit_alerts() -> Iterator[Alert]:
    """All of them but volumes."""
    yield from server_limits()
    yield from replicas()
    yield from connections()


def server_limits() -> Iterator[Alert]:
    """Servers."""
    yield Alert(
        "MCPServerSaturated",
        limits.saturated(),
        "5m",
        "warning",
        "server",
        f"{PERCENT} of the places for calls of {SERVER} are taken",
        "The next burst waits, then is refused with 503.",
    )
    yield Alert(
        "MCPServerScaledToMaximum",
        limits.at_maximum(),
        "15m",
        "warning",
        "capacity",
        f"{{{{ $labels.horizontalpodautoscaler }}}} in {{{{ $labels.namespace }}}} wants all {NUMBER} replicas it may",
        "More load finds no more replicas.",
    )


def replicas() -> Iterator[Alert]:
    """Replicas and what hangs on them."""
    yield Alert(
        "MCPServerFlapping",
        limits.restarting(),
        "0m",
        "warning",
        "pod",
        f"{{{{ $labels.pod }}}} in {{{{ $labels.namespace }}}} restarted {NUMBER} times in half an hour",
        "Its calls are cut each time, and its lease comes and goes.",
    )
    yield Alert(
        "MCPAgentDown",
        limits.never_ready(),
        "5m",
        "critical",
        "server",
        f"{NUMBER} replicas of {SERVER} run and none is ready",
        "They answer Prometheus and get no calls: each says that it is starting or stopping.",
    )
    yield Alert(
        "TargetMissing",
        limits.unscraped(),
        "10m",
        "warning",
        "monitoring",
        f"{NUMBER} ready replicas of {SERVER} answer no scrape",
        "Their calls, errors and load are in no figure; the autoscaler corrects for them.",
    )
    yield Alert(
        "MCPOpenStreamsLeak",
        limits.streams_pile_up(),
        "30m",
        "info",
        "server",
        f"{SERVER} holds {NUMBER} open streams, more than {limits.STREAM_GROWTH} times those of a day ago",
        "Each holds memory and a connection until its client or its pod ends.",
    )


def connections() -> Iterator[Alert]:
    """The mesh."""
    yield Alert(
        "MCPConnectionResets",
        limits.reset_share(),
        "5m",
        "warning",
        "mesh",
        f"{PERCENT} of the requests to {WORKLOAD} lost their connection",
        "Callers see 503 where the call was not begun, and an aborted answer where it was.",
    )
    yield Alert(
        "MeshMTLSDowngrade",
        limits.plain_text(),
        "5m",
        "critical",
        "mesh",
        f"{NUMBER} requests of ten minutes reached {WORKLOAD} without mutual TLS",
        "Whoever sent them has no identity; STRICT should have refused them.",
    )


def volumes(namespace: str) -> Iterator[Alert]:
    """Volumes of monitoring in `namespace`."""
    yield Alert(
        "MCPPVCWillFill",
        limits.volume_fills(namespace),
        "1h",
        "warning",
        "capacity",
        f"{{{{ $labels.persistentvolumeclaim }}}} in {namespace} has {PERCENT} left and is full within four days",
        "When it is full, Prometheus stops to store and Jaeger loses traces.",
    )
