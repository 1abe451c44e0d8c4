"""Namespaces of the stack: which revision injects their sidecars, Pod Security levels, NetworkPolicies."""

from collections.abc import Iterator
from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes import live as codes
from meshed_mcp.infra.live.cluster import Reader
from meshed_mcp.infra.live.findings import Finding, error, note, ok
from meshed_mcp.infra.live.istio import WEBHOOKS, uses_existing_istio
from meshed_mcp.infra.recording import Recording

WORKLOADS: Final = ("Deployment", "StatefulSet", "DaemonSet")
ENFORCE: Final = "pod-security.kubernetes.io/enforce"
"""Source: Kubernetes, "Pod Security Admission"."""

REJECTING_LEVELS: Final = ("baseline", "restricted")
"""Levels without NET_ADMIN. Source: Kubernetes, "Pod Security Standards"."""

REVISION, TAG, INJECTION, MODE = "istio.io/rev", "istio.io/tag", "istio-injection", "istio.io/dataplane-mode"
"""Labels. Source: Istio, "Resource Labels"."""


def namespace_labels(cluster: Reader, recording: Recording, name: str) -> dict[str, str]:
    """Labels of a namespace as they are after the deployment: those of the stack, or those in the cluster."""
    for item in recording.objects:
        if item["kind"] == "Namespace" and item["metadata"]["name"] == name:
            return dict(item["metadata"].get("labels") or {})
    found = cluster.get(f"/api/v1/namespaces/{name}") or {"metadata": {}}
    return dict(found["metadata"].get("labels") or {})


def meshed_namespaces(recording: Recording) -> list[str]:
    """Namespaces with workloads of the stack and routes or policies of the mesh."""
    workloads = {item["metadata"].get("namespace", "") for item in recording.objects if item["kind"] in WORKLOADS}
    meshed = {
        item["metadata"].get("namespace", "")
        for item in recording.objects
        if item["kind"] in {"VirtualService", "AuthorizationPolicy", "Sidecar"}
    }
    return sorted(workloads & meshed)


def namespace_findings(cluster: Reader, recording: Recording) -> Iterator[Finding]:
    """Injection and Pod Security of each namespace with a sidecar, and what cannot be known of NetworkPolicies."""
    if uses_existing_istio(recording):
        webhooks = cluster.items(WEBHOOKS, "app=sidecar-injector")
        for name in meshed_namespaces(recording):
            labels = namespace_labels(cluster, recording, name)
            yield injection_finding(name, labels, revisions(webhooks))
            yield from pod_security_findings(cluster, name, labels)
    policies = sum(item["kind"] == "NetworkPolicy" for item in recording.objects)
    if policies:
        what = f"whether the network plugin enforces the stack's {policies} NetworkPolicies"
        way = "a pod outside the stack to call a service: the connection must time out"
        yield note(codes.NOT_KNOWN.message(what=what, way=way))


def revisions(webhooks: list[Manifest]) -> set[str]:
    """Revisions and tags for which a webhook injects sidecars."""
    labels = [item["metadata"].get("labels") or {} for item in webhooks]
    return {each[key] for each in labels for key in (REVISION, TAG) if key in each}


def injection_finding(name: str, labels: dict[str, str], known: set[str]) -> Finding:
    """The revision that a namespace selects. Source: Istio, "Installing the sidecar", injection policy."""
    if labels.get(MODE) == "ambient":
        return ok(f"namespace {name} is in ambient mode")
    wanted = "default" if labels.get(INJECTION) == "enabled" else labels.get(REVISION)
    listed = ", ".join(sorted(known)) or "none is in the cluster"
    if labels.get(INJECTION) == "disabled" or wanted is None:
        state = "has no label that selects a revision, so pods get no sidecar"
        return error(codes.REVISION_MISSING.message(namespace=name, state=state, revisions=listed))
    if wanted not in known:
        state = f"selects the revision {wanted}, which no webhook serves"
        return error(codes.REVISION_MISSING.message(namespace=name, state=state, revisions=listed))
    return ok(f"namespace {name} gets sidecars of revision {wanted}")


def pod_security_findings(cluster: Reader, name: str, labels: dict[str, str]) -> Iterator[Finding]:
    """A level that rejects the init container of sidecars."""
    level = labels.get(ENFORCE, "")
    if level in REJECTING_LEVELS and not cluster.items("/apis/apps/v1/daemonsets", "k8s-app=istio-cni-node"):
        yield error(codes.POD_SECURITY.message(namespace=name, level=level))
