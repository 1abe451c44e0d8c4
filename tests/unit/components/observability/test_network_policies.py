"""NetworkPolicies: which pods reach which port of monitoring."""

from typing import Any

import pytest

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.network_policies import metrics_network_policies, tracing_network_policies
from meshed_mcp.infra.plan import planned

MONITORING = {"matchLabels": {"kubernetes.io/metadata.name": "watch"}}
STACK = {"meshed-mcp:services": {"mcp-a": {"image": "a:1"}}}


def allowed_ports(args: ObservabilityStackArgs) -> dict[str, dict[str, list[int]]]:
    """Destination -> peer -> ports, of Prometheus, Alertmanager and Grafana."""
    return {
        item["metadata"]["name"]: {
            peer_name(peer): [port["port"] for port in rule["ports"]]
            for rule in item["spec"]["ingress"]
            for peer in rule["from"]
        }
        for item in metrics_network_policies(args)
    }


def peer_name(peer: dict[str, Any]) -> str:
    """Namespace of a peer, or "namespace/app" with the pods' label `app`."""
    namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    app = peer.get("podSelector", {}).get("matchLabels", {}).get("app")
    return f"{namespace}/{app}" if app else str(namespace)


def test_uis_without_login_are_reachable_only_for_monitoring() -> None:
    """Requirement SEC-12: other pods can neither read every metric nor silence alerts."""
    assert allowed_ports(ObservabilityStackArgs(namespace="watch")) == {
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
    assert allowed_ports(plain)["prometheus"] == {"monitoring": [9090, 8080], "scalers": [9090]}
    assert allowed_ports(pulled)["prometheus"].keys() == {"monitoring", "keda", "mcp-system/mcp-fast-scaler"}
    assert allowed_ports(absent)["prometheus"].keys() == {"monitoring"}


def test_configured_readers_may_query_prometheus() -> None:
    """Requirement SEC-12: a stack names other readers, such as canary analysis or another Grafana."""
    named = {"prometheus": {"readers": ["ci", "apps/report"]}}
    found = planned(STACK | {"meshed-mcp:observability": named}).observability
    assert allowed_ports(found)["prometheus"].keys() == {"monitoring", "ci", "apps/report", "keda"}


@pytest.mark.parametrize("text", ["CI", "a/b/c", "apps/", ""])
def test_reader_that_selects_no_pods_is_rejected(text: str) -> None:
    """Requirement CFG-2: the error says what is wrong and what to set instead."""
    (issue,) = model_issues(ObservabilityStackArgs, {"prometheus": {"readers": [text]}}, "observability")
    assert str(issue).startswith(f"observability: prometheus.readers[0]: {text!r} is not a reference to pods: ")
    assert str(issue).endswith('use "namespace" or "namespace/app"')


def tracing_ports(**more: Any) -> dict[str, dict[str, set[int]]]:
    """Destination -> "cluster" or "monitoring" -> ports, of Jaeger and the collectors."""
    args = ObservabilityStackArgs.model_validate({"namespace": "watch", **more})
    return {
        item["metadata"]["name"]: {
            ("monitoring" if rule["from"] == [{"namespaceSelector": MONITORING}] else "cluster"): {
                port["port"] for port in rule["ports"]
            }
            for rule in item["spec"]["ingress"]
        }
        for item in tracing_network_policies(args)
    }


def test_jaeger_ui_is_reachable_only_for_monitoring() -> None:
    """Requirement SEC-12: Jaeger has no login, so Grafana and Kiali show its traces."""
    assert tracing_ports() == {"jaeger": {"cluster": {4317, 4318}, "monitoring": {8888, 16686}}}


def test_spans_of_other_pods_must_pass_the_agents() -> None:
    """Requirement OBS-9: past the agents, a trace would be split over gateways or bypass sampling."""
    assert tracing_ports(collectors={}) == {
        "otel-agent": {"cluster": {4317, 4318}, "monitoring": {8888}},
        "otel-gateway": {"monitoring": {4317, 4318, 8888}},
        "jaeger": {"monitoring": {4317, 4318, 8888, 16686}},
    }


def test_sdks_may_fetch_sampling_strategies() -> None:
    """Requirement OBS-9: remote sampling is for images without the runtime."""
    assert tracing_ports(jaeger={"sampling": {}})["jaeger"]["cluster"] == {4317, 4318, 5778, 5779}
