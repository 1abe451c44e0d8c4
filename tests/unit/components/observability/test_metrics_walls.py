"""Who reaches Prometheus, Alertmanager and Grafana."""

from typing import Any

import pytest

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.manifests import manifests
from meshed_mcp.infra.plan import planned

STACK = {"meshed-mcp:services": {"mcp-a": {"image": "a:1"}}}


def reached(args: ObservabilityStackArgs) -> dict[str, dict[str, list[int]]]:
    """Part -> who -> ports."""
    found: dict[str, dict[str, list[int]]] = {}
    for item in manifests(args):
        name = item["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/name") if is_wall(item) else None
        if name in {"prometheus", "alertmanager", "grafana"}:
            rules = item["spec"]["ingress"]
            found[name] = {
                who(peer): [port["port"] for port in rule["ports"]] for rule in rules for peer in rule["from"]
            }
    return found


def is_wall(item: dict[str, Any]) -> bool:
    """Whether an object is a NetworkPolicy."""
    return bool(item["kind"] == "NetworkPolicy")


def who(peer: dict[str, Any]) -> str:
    """The namespace, with the label `app` of the pods behind a slash where there is one."""
    namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    app = peer.get("podSelector", {}).get("matchLabels", {}).get("app")
    return f"{namespace}/{app}" if app else str(namespace)


def test_what_knows_no_log_in_is_for_monitoring_alone() -> None:
    """Issue 6, point 11: any pod could else read every metric and silence every alert."""
    assert reached(ObservabilityStackArgs(namespace="watch")) == {
        "prometheus": {"watch": [9090, 8080]},
        "alertmanager": {"watch": [9093, 9094, 8080, 9094]},
        "grafana": {"watch": [3000]},
    }


def test_what_scales_a_stacks_services_may_ask_prometheus() -> None:
    """Product rule: a wall that stops the autoscaler is worse than none."""
    lever = {"lever": {"image": "lever:1"}}
    plain, pulled, absent = (
        planned(STACK | {"meshed-mcp:keda": keda}).observability
        for keda in ({"namespace": "scalers"}, lever, {"install": "none"})
    )
    assert reached(plain)["prometheus"] == {"monitoring": [9090, 8080], "scalers": [9090]}
    assert reached(pulled)["prometheus"].keys() == {"monitoring", "keda", "mcp-system/mcp-lever"}
    assert reached(absent)["prometheus"].keys() == {"monitoring"}


def test_others_may_ask_prometheus_where_the_stack_names_them() -> None:
    """Product rule: a gate that runs in the cluster, another Grafana."""
    named = {"prometheus": {"readers": ["ci", "apps/report"]}}
    found = planned(STACK | {"meshed-mcp:observability": named}).observability
    assert reached(found)["prometheus"].keys() == {"monitoring", "ci", "apps/report", "keda"}


@pytest.mark.parametrize("text", ["CI", "a/b/c", "apps/", ""])
def test_a_reader_that_names_no_pods_is_refused(text: str) -> None:
    """Product rule: what is wrong, what to write instead."""
    (fault,) = model_issues(ObservabilityStackArgs, {"prometheus": {"readers": [text]}}, "observability")
    assert str(fault).startswith(f"observability: prometheus.readers[0]: {text!r} is not a reference to pods: ")
    assert str(fault).endswith('use "namespace" or "namespace/app"')
