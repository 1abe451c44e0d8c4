"""IP families of the cluster's pods, and whether the stack has set dual stack."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes.addresses import DUAL_STACK_NOT_SET
from meshed_mcp.infra.live.cluster import Reader
from meshed_mcp.infra.live.findings import Finding, error, ok, warning
from meshed_mcp.infra.recording import Recording

DNS_PODS: Final = "k8s-app=kube-dns"
"""Pods of every cluster with addresses of the pod network. Source: Kubernetes, "DNS for Services and Pods"; CoreDNS and
kube-dns, labels of their manifests."""


def family_findings(cluster: Reader, recording: Recording) -> Iterator[Finding]:
    """Families of a pod against `mesh.dual_stack`; nothing for a stack without sidecars, or a cluster without DNS."""
    if not any(has_sidecar(item) for item in recording.objects):
        return
    services = [item for item in recording.objects if item["kind"] == "Service"]
    addresses = [each["ip"] for pod in cluster.items("/api/v1/pods", DNS_PODS, limit=1) for each in pod_ips(pod)]
    if not addresses:
        return
    versions = [ip_address(each).version for each in addresses]
    names = " and ".join(f"IPv{version}" for version in versions)
    if len(versions) == 1 or any("ipFamilyPolicy" in item["spec"] for item in services):
        yield ok(f"pods have {names} addresses")
        return
    message = DUAL_STACK_NOT_SET.message(families=names)
    yield error(message) if versions[0] == 6 else warning(message)  # noqa: PLR2004 - a version of IP


def has_sidecar(item: Manifest) -> bool:
    """Whether an object is a Deployment with injected pods. Source: Istio, "Resource Labels"."""
    if item["kind"] != "Deployment":
        return False
    labels = item["spec"]["template"]["metadata"].get("labels") or {}
    return bool(labels.get("sidecar.istio.io/inject") == "true")


def pod_ips(pod: Manifest) -> list[dict[str, str]]:
    """Addresses of a pod, the first family first; none before it has started."""
    found: list[dict[str, str]] = pod.get("status", {}).get("podIPs", [])
    return found
