"""Kubernetes objects as plain data: type, labels, metadata and common objects. `register.py` makes them resources."""

from collections.abc import Iterable
from typing import Any, Final

from meshed_mcp import contract

Manifest = dict[str, Any]
"""A Kubernetes object as the API server reads it: `apiVersion`, `kind`, `metadata`, and the rest."""

PART_OF: Final = "meshed-mcp"
NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"
"""Every namespace's own name as a label. Source: Kubernetes, "Well-Known Labels"."""

PROMETHEUS_PODS: Final = {"app.kubernetes.io/name": "prometheus"}
"""Label of the pods that scrape. Source: Prometheus operator."""

RESTRICTED_CONTAINER: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""Security context of a container under the restricted Pod Security Standard."""


def standard_labels(name: str) -> dict[str, str]:
    """Recommended labels of an object that belongs to `name`. Source: Kubernetes, "Recommended Labels"."""
    return {contract.LABEL_NAME: name, contract.LABEL_PART_OF: PART_OF, contract.LABEL_MANAGED_BY: "pulumi"}


def metadata(name: str, namespace: str | None = None, labels: dict[str, str] | None = None, **more: Any) -> Manifest:
    """Metadata with an explicit name: DNS, selectors and other objects refer to it, so it is never generated."""
    place = {} if namespace is None else {"namespace": namespace}
    return {"name": name, **place, "labels": labels or standard_labels(name), **more}


def manifest(api_version: str, kind: str, meta: Manifest, spec: Manifest | None = None, **more: Any) -> Manifest:
    """One object; `spec` is left out where the kind has none."""
    body = {} if spec is None else {"spec": spec}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **body, **more}


def with_labels(item: Manifest, labels: dict[str, str]) -> Manifest:
    """The object with further labels, such as those by which an existing controller selects it."""
    meta = item["metadata"]
    return item | {"metadata": {**meta, "labels": {**meta["labels"], **labels}}} if labels else item


def selected_by_prometheus(
    items: Iterable[Manifest], monitor_labels: dict[str, str], rule_labels: dict[str, str] | None
) -> list[Manifest]:
    """The objects, monitors and rules with the labels by which Prometheus selects them; rules by default as monitors.

    Source: Prometheus operator, `podMonitorSelector`, `serviceMonitorSelector` and `ruleSelector`.
    """
    rules = monitor_labels if rule_labels is None else rule_labels
    labels = {"PodMonitor": monitor_labels, "ServiceMonitor": monitor_labels, "PrometheusRule": rules}
    return [with_labels(item, labels.get(item["kind"], {})) for item in items]


def prometheus_rule(name: str, namespace: str, groups: list[dict[str, Any]]) -> Manifest:
    """A PrometheusRule of the Prometheus operator."""
    return manifest("monitoring.coreos.com/v1", "PrometheusRule", metadata(name, namespace), {"groups": groups})


def controller_namespace(name: str, namespace: str) -> Manifest:
    """Namespace of a controller outside the mesh: the API server calls it without a mesh identity."""
    labels = {"istio-injection": "disabled", "pod-security.kubernetes.io/enforce": "restricted"}
    return manifest("v1", "Namespace", metadata(namespace, labels=standard_labels(name) | labels))


def identity(item: Manifest) -> tuple[str, str, str, str]:
    """(apiVersion, kind, namespace, name): unique per object in a cluster; namespace "" for cluster-wide kinds."""
    meta = item["metadata"]
    return item["apiVersion"], item["kind"], meta.get("namespace", ""), meta["name"]
