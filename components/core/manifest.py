"""Kubernetes objects as plain data: the type that pure functions return, standard labels, metadata.

Nothing here knows Pulumi; `register.py` turns these objects into resources.
"""

from typing import Any, Final

from meshed_mcp import contract

Manifest = dict[str, Any]
"""A Kubernetes object as the API server reads it: `apiVersion`, `kind`, `metadata`, and the rest."""

PART_OF: Final = "meshed-mcp"
NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"
"""Every namespace's own name as a label. Source: Kubernetes, "Well-Known Labels"."""

PROMETHEUS_PODS: Final = {"app.kubernetes.io/name": "prometheus"}
"""Label of the pods that scrape. Source: Prometheus operator."""


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


def identity(item: Manifest) -> tuple[str, str, str, str]:
    """(apiVersion, kind, namespace, name): unique per object in a cluster; namespace "" for cluster-wide kinds."""
    meta = item["metadata"]
    return item["apiVersion"], item["kind"], meta.get("namespace", ""), meta["name"]
