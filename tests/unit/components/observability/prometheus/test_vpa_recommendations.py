"""Configuration of kube-state-metrics for VerticalPodAutoscalers, compared with the CRD."""

from pathlib import Path
from typing import Any

import yaml

from meshed_mcp.components.observability.prometheus.values import VPA_KIND, VPA_PREFIX, kube_state_metrics_values
from meshed_mcp.components.promql.autoscaling import VPA_METRICS


def status(crd_dir: Path) -> dict[str, Any]:
    """Schema of a VPA's status."""
    crds = [item for item in yaml.safe_load_all((crd_dir / "vpa-1.8.1.yaml").read_text()) if item]
    (kind,) = [item["spec"] for item in crds if item["spec"]["names"]["kind"] == VPA_KIND["kind"]]
    (version,) = [item for item in kind["versions"] if item["name"] == VPA_KIND["version"]]
    assert kind["group"] == VPA_KIND["group"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["status"]
    return found


def test_every_metric_reads_a_field_of_the_crd(crd_dir: Path) -> None:
    """VPA 1.8.1, CRD: a path to an absent field would leave its panel empty."""
    (read,) = kube_state_metrics_values()["customResourceState"]["config"]["spec"]["resources"]
    for metric in read["metrics"]:
        gauge, schema = metric["each"]["gauge"], status(crd_dir)
        for step in gauge["path"][1:]:
            schema = schema["properties"][step]
        assert schema["type"] == "array"
        of_one = schema["items"]["properties"]
        assert of_one[gauge["labelsFromPath"]["container"][0]]["type"] == "string"
        assert gauge["valueFrom"][0] in of_one
    assert {f"{VPA_PREFIX}_{metric['name']}" for metric in read["metrics"]} == {*VPA_METRICS.values()}


def test_exporter_may_only_list_and_watch_vpas() -> None:
    """Kubernetes RBAC: list and watch are what an exporter needs."""
    rules = kube_state_metrics_values()["rbac"]["extraRules"]
    assert {tuple(rule["verbs"]) for rule in rules} == {("list", "watch")}
    assert "verticalpodautoscalers" in rules[0]["resources"]
