"""Gateways of the stack: pods of the cluster that its selectors match."""

from collections.abc import Iterator
from typing import Final

from meshed_mcp.error_codes import live as codes
from meshed_mcp.infra.live.cluster import Reader
from meshed_mcp.infra.live.findings import Finding, error, ok
from meshed_mcp.infra.recording import Recording

ISTIO_GATEWAYS: Final = "networking.istio.io/"
"""API group of Istio's own Gateways, without version."""


def gateway_findings(cluster: Reader, recording: Recording) -> Iterator[Finding]:
    """Selectors of Istio Gateways whose pods the stack does not install."""
    owned = {
        release.get("namespace") for release in recording.releases if release["chart"].rpartition("/")[2] == "gateway"
    }
    for item in recording.objects:
        meta = item["metadata"]
        if item["kind"] != "Gateway" or not item["apiVersion"].startswith(ISTIO_GATEWAYS) or meta["namespace"] in owned:
            continue
        labels = ",".join(f"{key}={value}" for key, value in sorted((item["spec"].get("selector") or {}).items()))
        title = f"{meta['namespace']}/{meta['name']}"
        if labels and not cluster.items("/api/v1/pods", labels, limit=1):
            yield error(codes.GATEWAY_WITHOUT_PODS.message(labels=labels, gateway=title))
        else:
            yield ok(f"Gateway {title} selects pods")
