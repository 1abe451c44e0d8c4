"""Alerts on the registry: availability, its database, leases of servers."""

from typing import Final

from meshed_mcp.components.alerts.record import NUMBER, SERVER, Alert, Component, Severity, Threshold
from meshed_mcp.components.promql import alerts as promql
from meshed_mcp.components.promql import sli

REGISTRY: Final = (
    Alert(
        name="MCPRegistryDown",
        expression=lambda _: promql.no_replicas_up(sli.IS_REGISTRY),
        for_seconds=60,
        severity=Severity.CRITICAL,
        component=Component.REGISTRY,
        summary=f"{SERVER} is down: 0 of {NUMBER} replicas are up",
        description="Servers cannot register and clients cannot look them up. Clients that know a server's address "
        "are not affected.",
    ),
    Alert(
        name="MCPRegistryDatabaseDown",
        expression=lambda _: promql.replicas_without_database(),
        for_seconds=120,
        severity=Severity.CRITICAL,
        component=Component.REGISTRY,
        summary=f"Replicas of {SERVER} without a connection to the database: {NUMBER}",
        description="Lookups and lease renewals fail on these replicas. Servers are removed when their leases expire.",
    ),
    Alert(
        name="MCPRegistrySyncStale",
        expression=lambda scope: promql.registry_sync_age(scope.threshold),
        for_seconds=60,
        component=Component.REGISTRY,
        summary=f"A replica of {SERVER} last synced with its database {NUMBER} s ago",
        description="It serves stale entries and does not remove servers whose lease expired.",
        threshold=Threshold(default=60, unit="seconds", minimum=10, maximum=86_400),
    ),
    Alert(
        name="MCPAgentHeartbeatStale",
        expression=lambda scope: promql.heartbeat_age(scope.threshold),
        for_seconds=60,
        component=Component.SERVER,
        summary=f"The registry last received a heartbeat of {SERVER} {NUMBER} s ago",
        description="Its lease has expired: lookups by name do not return it. Clients that know its address are not "
        "affected.",
        threshold=Threshold(default=90, unit="seconds", minimum=30, maximum=86_400),
    ),
)
"""The registry syncs every 5 s. A lease lasts 30 s; the default of MCPAgentHeartbeatStale is three leases."""
