"""The dashboard "MCP mesh": what the proxies saw between callers and servers. Istio's own pages show the rest."""

from meshed_mcp.components.observability.dashboards.choices import (
    CHOICES,
    NAMESPACE,
    QUANTILES,
    RATE,
    RECORDED_SECONDS,
    SERVER,
    percentile,
)
from meshed_mcp.components.observability.dashboards.records import Dashboard, Page, Panel, Query, Threshold, Unit
from meshed_mcp.components.promql import control_plane as istiod
from meshed_mcp.components.promql import mesh


def mesh_dashboard() -> Dashboard:
    """One page for the servers that are chosen, as called workloads."""
    return Dashboard(
        uid=Page.MESH,
        title="MCP mesh",
        description="Requests between workloads. The mesh knows HTTP alone: a tool that fails is answered 200.",
        variables=CHOICES,
        panels=(
            lines("Requests", "Per second, as the server's proxy counts them.", Unit.PER_SECOND, requests()),
            lines("Callers", "Requests per second, per caller and server.", Unit.PER_SECOND, callers()),
            lines("Answered 5xx", "Share of requests, as the caller's proxy saw it.", Unit.SHARE, errors()),
            lines("Failed by a proxy", "Per second and Envoy's flag: resets, time-outs, no endpoint.", *faults()),
            lines(
                "Duration at the server's proxy",
                "Whole requests, streams too: a stream counts for as long as it is open.",
                Unit.MILLISECONDS,
                *durations(),
            ),
            lines(
                "Without mutual TLS",
                "Share of requests that came in plain text; anything above 0 needs a look at PeerAuthentication.",
                Unit.SHARE,
                Query(mesh.plain_text_share(NAMESPACE, SERVER), "{{destination_workload}}"),
            )._replace(thresholds=(Threshold(0.001, "red"),)),
            *control_plane(),
        ),
    )


def control_plane() -> tuple[Panel, ...]:
    """Of all servers."""
    return (
        lines(
            "Proxies at istiod",
            "Proxies that take their configuration from it, per revision.",
            Unit.COUNT,
            Query(istiod.connected(), "{{revision}}"),
        ),
        lines(
            "From a change to the proxies",
            "Until a proxy has all of it. Nothing is shown while nothing changes.",
            Unit.SECONDS,
            *(Query(istiod.reach_seconds(each, RATE), percentile(each)) for each in QUANTILES),
        ),
        lines(
            "Configuration refused",
            "Pieces per second that proxies do not take; they keep the rules from before.",
            Unit.PER_SECOND,
            Query(istiod.refused(RATE), "{{type}}"),
        )._replace(thresholds=(Threshold(0.001, "red"),)),
    )


def requests() -> Query:
    """By server and status."""
    return Query(mesh.requests(NAMESPACE, SERVER), "{{destination_workload}} {{response_code}}")


def callers() -> Query:
    """By caller."""
    return Query(mesh.callers(NAMESPACE, SERVER), "{{source_workload}} to {{destination_workload}}")


def errors() -> Query:
    """By server."""
    return Query(mesh.server_error_share(NAMESPACE, SERVER), "{{destination_workload}}")


def faults() -> tuple[Unit, Query]:
    """By server and flag."""
    return Unit.PER_SECOND, Query(mesh.faults(NAMESPACE, SERVER), "{{destination_workload}} {{response_flags}}")


def durations() -> tuple[Query, ...]:
    """By server and quantile."""
    return tuple(
        Query(mesh.duration(quantile, NAMESPACE, SERVER), f"{{{{destination_workload}}}} {percentile(quantile)}")
        for quantile in QUANTILES
    )


def lines(title: str, description: str, unit: Unit, *queries: Query) -> Panel:
    """A line panel of the proxies' series."""
    return Panel(title, description, unit, queries, RECORDED_SECONDS)
