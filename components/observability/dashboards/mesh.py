"""The dashboard "MCP mesh": requests between clients and servers as the proxies see them, and istiod."""

from typing import Final

from meshed_mcp.components.observability.dashboards.records import Dashboard, Query, Threshold, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import (
    NAMESPACE,
    QUANTILES,
    RATE,
    RECORDED_SECONDS,
    SERVER,
    VARIABLES,
    panel,
    percentile,
    scraped_every,
)
from meshed_mcp.components.promql import control_plane as istiod
from meshed_mcp.components.promql import mesh

DESTINATION: Final = "{{destination_workload}}"
NONZERO: Final = (Threshold(0.001, "red"),)

PANELS: Final = scraped_every(
    RECORDED_SECONDS,
    panel(
        "Requests",
        "Per second and status, as the server's proxy counts them.",
        Unit.PER_SECOND,
        Query(
            mesh.requests("destination_workload, response_code", NAMESPACE, SERVER),
            f"{DESTINATION} {{{{response_code}}}}",
        ),
    ),
    panel(
        "Requests by client",
        "Per second, per client and server.",
        Unit.PER_SECOND,
        Query(
            mesh.requests("source_workload, destination_workload", NAMESPACE, SERVER),
            f"{{{{source_workload}}}} to {DESTINATION}",
        ),
    ),
    panel(
        "5xx ratio",
        "Ratio of responses with a 5xx status, as the client's proxy counts them.",
        Unit.RATIO,
        Query(mesh.error_ratio(NAMESPACE, SERVER), DESTINATION),
    ),
    panel(
        "Proxy failures",
        "Requests per second by Envoy response flag: reset, timeout, no endpoint.",
        Unit.PER_SECOND,
        Query(mesh.proxy_failures(NAMESPACE, SERVER), f"{DESTINATION} {{{{response_flags}}}}"),
    ),
    panel(
        "Request duration",
        "At the server's proxy. A stream counts for as long as it is open.",
        Unit.MILLISECONDS,
        *(
            Query(mesh.duration(quantile, NAMESPACE, SERVER), f"{DESTINATION} {percentile(quantile)}")
            for quantile in QUANTILES
        ),
    ),
    panel(
        "Requests without mutual TLS",
        "Ratio of plaintext requests. Above 0, check the PeerAuthentication.",
        Unit.RATIO,
        Query(mesh.plaintext_ratio(NAMESPACE, SERVER), DESTINATION),
        thresholds=NONZERO,
    ),
    panel(
        "Proxies connected to istiod", "Per revision.", Unit.COUNT, Query(istiod.PROXIES_BY_REVISION, "{{revision}}")
    ),
    panel(
        "Configuration convergence time",
        "From a configuration change until a proxy has received it. Empty while nothing changes.",
        Unit.SECONDS,
        *(Query(istiod.convergence_seconds(each, RATE), percentile(each)) for each in QUANTILES),
    ),
    panel(
        "Rejected configuration",
        "Updates per second that proxies reject. They keep their previous configuration.",
        Unit.PER_SECOND,
        Query(istiod.rejected(RATE), "{{type}}"),
        thresholds=NONZERO,
    ),
)
MESH: Final = Dashboard(
    uid=Uid.MESH,
    description="Requests between workloads. The mesh sees HTTP only: a failed tool call has status 200.",
    variables=VARIABLES,
    panels=PANELS,
)
"""The selected servers are the destination workloads; Istio's own dashboards show the rest."""
