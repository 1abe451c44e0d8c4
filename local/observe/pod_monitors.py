"""PodMonitors as Prometheus scrape jobs, and pods as discovered targets. Pure.

Source: Prometheus operator, PodMonitor; Prometheus, `kubernetes_sd_config`, role pod.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.metrics.monitors import PROXY_PORT_NAME
from meshed_mcp.local.translate.topology import ADMIN_PORT, Pod

POD_LABEL: Final = "__meta_kubernetes_pod_label_"
"""Source: Prometheus, `kubernetes_sd_config`, role pod."""

PROXY_CONTAINER: Final = "istio-proxy"
"""Source: Istio's injection template."""

DEFAULT_INTERVAL: Final = "30s"
"""Default scrape interval. Source: `PrometheusSettings.scrape_interval_seconds`."""

Job = dict[str, Any]


def target(pod: Pod) -> Job:
    """A discovered pod: address, names and labels."""
    labels = {meta_label(name): value for name, value in pod.labels.items()}
    names = {"namespace": pod.namespace, "pod": pod.name, "container": contract.CONTAINER_NAME}
    return {"targets": [f"{pod.address}:{contract.MANAGEMENT_PORT}"], "labels": names | labels}


def meta_label(name: str) -> str:
    """Discovery label of a pod label."""
    return POD_LABEL + re.sub("[^a-zA-Z0-9_]", "_", name)


def jobs(monitor: Manifest, targets: Path) -> Iterator[Job]:
    """The jobs of one PodMonitor, one per endpoint."""
    meta, spec = monitor["metadata"], monitor["spec"]
    for number, endpoint in enumerate(spec["podMetricsEndpoints"]):
        interval = endpoint.get("interval", DEFAULT_INTERVAL)
        yield {
            "job_name": f"{meta['namespace']}/{meta['name']}/{number}",
            "scrape_interval": interval,
            "scrape_timeout": endpoint.get("scrapeTimeout", interval),
            "metrics_path": endpoint.get("path", contract.METRICS_PATH),
            "file_sd_configs": [{"files": [str(targets)]}],
            "relabel_configs": [
                *_in_namespace(monitor),
                *_selected(spec["selector"]),
                *_at_port(endpoint["port"]),
                *relabelings(endpoint.get("relabelings", [])),
            ],
            "metric_relabel_configs": list(relabelings(endpoint.get("metricRelabelings", []))),
        }


def _in_namespace(monitor: Manifest) -> Iterator[Job]:
    if not monitor["spec"].get("namespaceSelector", {}).get("any"):
        yield _keep("namespace", monitor["metadata"]["namespace"])


def _selected(selector: Manifest) -> Iterator[Job]:
    for name, value in selector.get("matchLabels", {}).items():
        yield _keep(meta_label(name), value)
    for each in selector.get("matchExpressions", []):
        yield _keep(meta_label(each["key"]), "|".join(each["values"]))


def _at_port(name: str) -> Iterator[Job]:
    """Metrics of a proxy are at its admin port."""
    if name == PROXY_PORT_NAME:
        yield {
            "source_labels": ["__address__"],
            "regex": "(.*):.*",
            "replacement": f"$1:{ADMIN_PORT}",
            "target_label": "__address__",
        }
        yield {"replacement": PROXY_CONTAINER, "target_label": "container"}


def _keep(label: str, pattern: str) -> Job:
    return {"source_labels": [label], "regex": pattern, "action": "keep"}


def relabelings(rules: list[Manifest]) -> Iterator[Job]:
    """Relabelings of the operator in the spelling of Prometheus."""
    for rule in rules:
        yield {re.sub("[A-Z]", lambda found: f"_{found.group().lower()}", name): value for name, value in rule.items()}
