"""A Prometheus operator that the cluster has already: whether its selectors find the stack's monitors and rules."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes import live as codes
from meshed_mcp.infra.live.cluster import Reader
from meshed_mcp.infra.live.findings import Finding, error, ok
from meshed_mcp.infra.live.namespaces import namespace_labels
from meshed_mcp.infra.live.objects import installs
from meshed_mcp.infra.recording import Recording

PROMETHEUSES: Final = "/apis/monitoring.coreos.com/v1/prometheuses"
"""Path of all Prometheus objects. Source: Prometheus operator, API reference."""

SELECTORS: Final[Mapping[str, tuple[str, str]]] = {
    "PodMonitor": ("podMonitorSelector", "podMonitorNamespaceSelector"),
    "ServiceMonitor": ("serviceMonitorSelector", "serviceMonitorNamespaceSelector"),
    "Probe": ("probeSelector", "probeNamespaceSelector"),
    "ScrapeConfig": ("scrapeConfigSelector", "scrapeConfigNamespaceSelector"),
    "PrometheusRule": ("ruleSelector", "ruleNamespaceSelector"),
}
"""Kind -> fields of a Prometheus that select it. Source: as above, PrometheusSpec."""


def monitoring_findings(cluster: Reader, recording: Recording) -> Iterator[Finding]:
    """Monitors and rules that no Prometheus of the cluster selects; nothing for a Prometheus of the stack."""
    items = [item for item in recording.objects if item["kind"] in SELECTORS]
    if not items or installs(recording, "kube-prometheus-stack"):
        return
    found = cluster.items(PROMETHEUSES)
    if not found:
        yield error(codes.COMPONENT_MISSING.message(component="Prometheus of the Prometheus operator"))
        return
    missed: dict[tuple[str, str], int] = {}
    for item in items:
        key = (item["kind"], item["metadata"]["namespace"])
        labels = namespace_labels(cluster, recording, key[1])
        if not any(selects(prometheus, item, labels) for prometheus in found):
            missed[key] = missed.get(key, 0) + 1
    for (kind, namespace), count in sorted(missed.items()):
        selectors = "; ".join(sorted(described(prometheus, kind) for prometheus in found))
        yield error(codes.NOT_SELECTED.message(count=count, kind=f"{kind}s", namespace=namespace, selectors=selectors))
    if not missed:
        yield ok(f"a Prometheus selects all {len(items)} monitors and rules")


def selects(prometheus: Manifest, item: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a Prometheus selects an object in a namespace with these labels.

    A selector that is absent selects nothing, an empty one everything; without a namespace selector only the own
    namespace counts. Source: Prometheus operator, PrometheusSpec.
    """
    selector, namespaces = (prometheus["spec"].get(field) for field in SELECTORS[item["kind"]])
    if selector is None or not matches(selector, item["metadata"].get("labels") or {}):
        return False
    if namespaces is None:
        return bool(prometheus["metadata"]["namespace"] == item["metadata"]["namespace"])
    return matches(namespaces, {**labels, "kubernetes.io/metadata.name": item["metadata"]["namespace"]})


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels match a label selector. Source: Kubernetes, "Labels and Selectors"."""
    exact = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return exact and all(expression_matches(each, labels) for each in selector.get("matchExpressions") or ())


def expression_matches(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels match one requirement."""
    value, values = labels.get(expression["key"]), expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
    return value is None


def described(prometheus: Manifest, kind: str) -> str:
    """`monitoring/k8s: podMonitorSelector {...}`."""
    meta, fields = prometheus["metadata"], SELECTORS[kind]
    said = ", ".join(f"{field} {prometheus['spec'].get(field, 'absent')}" for field in fields)
    return f"{meta['namespace']}/{meta['name']}: {said}"
