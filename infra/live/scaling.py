"""A KEDA that the cluster has already, and the server of external metrics."""

from collections.abc import Iterator
from typing import Final

from meshed_mcp.components.autoscaling.keda.values import KEDA
from meshed_mcp.error_codes import live as codes
from meshed_mcp.infra.live.cluster import Reader
from meshed_mcp.infra.live.findings import Finding, error, ok
from meshed_mcp.infra.live.istio import DEPLOYMENTS, component_version, version_finding
from meshed_mcp.infra.live.objects import installs
from meshed_mcp.infra.recording import Recording

EXTERNAL_METRICS: Final = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"
"""The registration of the server of external metrics, one in a cluster. Source: KEDA, "Troubleshooting"."""

METRICS_SERVICE: Final = "keda-operator-metrics-apiserver"
"""Source: chart `keda`, the Service of its metrics server."""


def scaling_findings(cluster: Reader, recording: Recording) -> Iterator[Finding]:
    """KEDA and its metrics server, for a stack with ScaledObjects."""
    if not any(item["kind"] == "ScaledObject" for item in recording.objects):
        return
    existing = not installs(recording, "keda")
    if existing:
        operators = cluster.items(DEPLOYMENTS, "app.kubernetes.io/name=keda-operator")
        if not operators:
            yield error(codes.COMPONENT_MISSING.message(component="KEDA"))
            return
        yield from (version_finding("KEDA", component_version(item), KEDA.version) for item in operators)
    yield from external_metrics_findings(cluster, existing=existing)


def external_metrics_findings(cluster: Reader, *, existing: bool) -> Iterator[Finding]:
    """Whether KEDA serves external metrics, and no other adapter does."""
    found = cluster.get(EXTERNAL_METRICS)
    if found is None:
        if existing:
            yield error(codes.EXTERNAL_METRICS.message(state="are served by no APIService"))
        return
    service = found["spec"].get("service") or {}
    if service.get("name") != METRICS_SERVICE:
        state = f"are served by {service.get('namespace')}/{service.get('name')}"
        yield error(codes.EXTERNAL_METRICS.message(state=state))
        return
    conditions = (found.get("status") or {}).get("conditions") or ()
    down = [item for item in conditions if item["type"] == "Available" and item["status"] != "True"]
    for item in down:
        yield error(
            codes.EXTERNAL_METRICS.message(state=f"are not available ({item.get('reason', 'no reason given')})")
        )
    if not down:
        yield ok("KEDA serves external metrics")
