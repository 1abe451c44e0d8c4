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


def test_uis_without_login_are_reachable_only_for_monitoring() -> None:
    """Requirement SEC-12: other pods can neither read every metric nor silence alerts."""
    assert reached(ObservabilityStackArgs(namespace="watch")) == {
        "prometheus": {"watch": [9090, 8080]},
        "alertmanager": {"watch": [9093, 9094, 8080, 9094]},
        "grafana": {"watch": [3000]},
    }


def test_autoscalers_of_the_stack_may_query_prometheus() -> None:
    """Requirement SEC-12: the NetworkPolicy names KEDA and the fast scaler."""
    fast_scaler = {"fast_scaler": {"image": "fast_scaler:1"}}
    plain, pulled, absent = (
        planned(STACK | {"meshed-mcp:keda": keda}).observability
        for keda in ({"namespace": "scalers"}, fast_scaler, {"install": "none"})
    )
    assert reached(plain)["prometheus"] == {"monitoring": [9090, 8080], "scalers": [9090]}
    assert reached(pulled)["prometheus"].keys() == {"monitoring", "keda", "mcp-system/mcp-fast-scaler"}
    assert reached(absent)["prometheus"].keys() == {"monitoring"}


def test_configured_readers_may_query_prometheus() -> None:
    """Requirement SEC-12: a stack names other readers, such as canary analysis or another Grafana."""
    named = {"prometheus": {"readers": ["ci", "apps/report"]}}
    found = planned(STACK | {"meshed-mcp:observability": named}).observability
    assert reached(found)["prometheus"].keys() == {"monitoring", "ci", "apps/report", "keda"}


@pytest.mark.parametrize("text", ["CI", "a/b/c", "apps/", ""])
def test_reader_that_selects_no_pods_is_rejected(text: str) -> None:
    """Requirement CFG-2: the error says what is wrong and what to set instead."""
    (fault,) = model_issues(ObservabilityStackArgs, {"prometheus": {"readers": [text]}}, "observability")
    assert str(fault).startswith(f"observability: prometheus.readers[0]: {text!r} is not a reference to pods: ")
    assert str(fault).endswith('use "namespace" or "namespace/app"')
