"""Alerts on the mesh: istiod, mutual TLS, connections. The alerts on istiod are inactive where it is not scraped."""

from typing import Final

from meshed_mcp.components.alerts.record import (
    MAX_RATIO,
    NUMBER,
    PERCENT,
    RATIO,
    THRESHOLD,
    Alert,
    Component,
    Severity,
    Threshold,
)
from meshed_mcp.components.promql import control_plane as istiod
from meshed_mcp.components.promql import mesh

REVISION: Final = f"{{{{ $labels.{istiod.REVISION} }}}}"
WORKLOAD: Final = "{{ $labels.destination_workload }} in {{ $labels.destination_workload_namespace }}"

MESH: Final = (
    Alert(
        name="MeshControlPlaneDown",
        expression=lambda _: istiod.control_plane_down(),
        for_seconds=300,
        severity=Severity.CRITICAL,
        component=Component.MESH,
        summary=f"istiod (revision {REVISION}) in {{{{ $labels.namespace }}}} is down: 0 of {NUMBER} replicas "
        "are available",
        description="Proxies keep their current configuration. New pods are rejected, configuration changes do not "
        "take effect, and certificates are not renewed: requests fail within a day.",
    ),
    Alert(
        name="MeshConfigRejected",
        expression=lambda _: istiod.config_rejected(),
        for_seconds=300,
        component=Component.MESH,
        summary=f"Updates of istiod in {{{{ $labels.namespace }}}} that proxies rejected in 10 minutes: {NUMBER} "
        "({{ $labels.type }})",
        description="They keep their previous configuration: a changed policy or allow-list is not in effect.",
    ),
    Alert(
        name="MeshRootCertificateExpires",
        expression=lambda scope: istiod.root_certificate_days(scope.threshold),
        for_seconds=3600,
        component=Component.MESH,
        summary=f"The root certificate of the mesh in {{{{ $labels.namespace }}}} expires in {NUMBER} days",
        description="All requests between services fail after it expires.",
        threshold=Threshold(default=30, unit="days", minimum=1, maximum=3650),
    ),
    Alert(
        name="MCPConnectionResets",
        expression=lambda scope: mesh.connection_reset_ratio(scope.threshold),
        for_seconds=300,
        component=Component.MESH,
        summary=f"{PERCENT} of the requests to {WORKLOAD} lost their connection",
        description=f"More than {THRESHOLD} of the requests fail with a reset or refused connection, which a client "
        "cannot always retry safely.",
        threshold=Threshold(default=0.01, unit=RATIO, minimum=0, maximum=MAX_RATIO),
    ),
    Alert(
        name="MeshMTLSDowngrade",
        expression=lambda _: mesh.plaintext_requests(),
        for_seconds=300,
        severity=Severity.CRITICAL,
        component=Component.MESH,
        summary=f"{WORKLOAD} received {NUMBER} requests without mutual TLS in 10 minutes",
        description="Their callers have no mesh identity; a PeerAuthentication in STRICT mode would reject them.",
    ),
)
