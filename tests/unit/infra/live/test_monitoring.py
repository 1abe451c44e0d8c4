"""Selectors of an existing Prometheus."""

from typing import Any

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.infra.live.findings import Level
from meshed_mcp.infra.live.monitoring import matches, monitoring_findings
from tests.unit.infra.live.fake_cluster import FakeCluster, stack, thing

MONITORING = "monitoring.coreos.com/v1"
MONITOR = thing("PodMonitor", "a", "mcp", MONITORING, labels={"release": "monitoring"}, spec={})
RULE = thing("PrometheusRule", "a", "mcp", MONITORING, labels={}, spec={})
NAMESPACE = thing("Namespace", "mcp", labels={"team": "search"})


def prometheus(**spec: Any) -> Manifest:
    """A Prometheus with selectors."""
    return thing("Prometheus", "k8s", "monitoring", MONITORING, spec=spec)


@pytest.mark.parametrize(
    "namespaces", [{}, {"matchLabels": {"team": "search"}}, {"matchLabels": {"kubernetes.io/metadata.name": "mcp"}}]
)
@pytest.mark.parametrize("selector", [{}, {"matchLabels": {"release": "monitoring"}}])
def test_a_prometheus_that_selects_the_monitors_is_ok(selector: dict[str, Any], namespaces: dict[str, Any]) -> None:
    """Prometheus operator, PrometheusSpec: an empty selector matches everything."""
    item = prometheus(podMonitorSelector=selector, podMonitorNamespaceSelector=namespaces)
    (found,) = monitoring_findings(FakeCluster(item, NAMESPACE), stack(MONITOR))
    assert found.line == "ok a Prometheus selects all 1 monitors and rules"


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"podMonitorSelector": {"matchLabels": {"release": "other"}}, "podMonitorNamespaceSelector": {}},
        {"podMonitorSelector": {}},
        {"podMonitorSelector": {}, "podMonitorNamespaceSelector": {"matchLabels": {"team": "web"}}},
    ],
    ids=["absent", "label", "own namespace", "namespace label"],
)
def test_a_monitor_that_no_prometheus_selects_is_an_error(spec: dict[str, Any]) -> None:
    """Requirement CHK-5: nothing would be scraped, without any error in the cluster."""
    (found,) = monitoring_findings(FakeCluster(prometheus(**spec), NAMESPACE), stack(MONITOR))
    assert found.line.startswith(
        "error MM0166: 1 PodMonitors of namespace mcp are selected by no Prometheus (monitoring/k8s:"
    )


def test_one_of_several_prometheuses_is_enough() -> None:
    """Requirement CHK-5: each kind may have a Prometheus of its own."""
    monitors = prometheus(podMonitorSelector={}, podMonitorNamespaceSelector={})
    rules = prometheus(ruleSelector={}, ruleNamespaceSelector={})
    found = list(monitoring_findings(FakeCluster(monitors, rules, NAMESPACE), stack(MONITOR, RULE)))
    assert [item.level for item in found] == [Level.OK]


def test_a_cluster_without_prometheus_is_an_error() -> None:
    """Requirement CHK-5: monitors without any Prometheus."""
    (found,) = monitoring_findings(FakeCluster(), stack(MONITOR))
    assert found.line.startswith("error MM0159: the cluster has no Prometheus of the Prometheus operator")
    assert list(monitoring_findings(FakeCluster(), stack(MONITOR, charts=["kube-prometheus-stack"]))) == []


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("In", ["a", "b"], True),
        ("In", ["b"], False),
        ("NotIn", ["b"], True),
        ("NotIn", ["a"], False),
        ("Exists", None, True),
        ("DoesNotExist", None, False),
    ],
)
def test_requirements_of_a_selector(operator: str, values: list[str] | None, expected: bool) -> None:
    """Kubernetes, "Labels and Selectors", set-based requirements."""
    expression = {"key": "team", "operator": operator, "values": values}
    assert matches({"matchExpressions": [expression]}, {"team": "a"}) is expected
