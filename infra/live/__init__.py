"""Read-only checks of a running cluster against a stack: `meshed-mcp check --live`."""

from collections.abc import Callable, Iterator
from typing import Final

from meshed_mcp.error_codes.live import READ_FORBIDDEN
from meshed_mcp.infra.live.cluster import ForbiddenError, Reader
from meshed_mcp.infra.live.findings import Finding, Level
from meshed_mcp.infra.live.gateways import gateway_findings
from meshed_mcp.infra.live.ip_families import family_findings
from meshed_mcp.infra.live.istio import istio_findings
from meshed_mcp.infra.live.monitoring import monitoring_findings
from meshed_mcp.infra.live.namespaces import namespace_findings
from meshed_mcp.infra.live.objects import kind_findings, object_findings, version_findings
from meshed_mcp.infra.live.scaling import scaling_findings
from meshed_mcp.infra.recording import Recording

Topic = Callable[[Reader, Recording], Iterator[Finding]]

TOPICS: Final[tuple[Topic, ...]] = (
    version_findings,
    kind_findings,
    object_findings,
    istio_findings,
    family_findings,
    namespace_findings,
    gateway_findings,
    monitoring_findings,
    scaling_findings,
)
"""Checks in the order of the output."""


def live_findings(cluster: Reader, recording: Recording) -> Iterator[Finding]:
    """All findings. A read that the API server forbids is an error: that part of the cluster is not checked."""
    for topic in TOPICS:
        try:
            yield from topic(cluster, recording)
        except ForbiddenError as error:
            yield Finding(Level.ERROR, READ_FORBIDDEN.message(path=error.path))
