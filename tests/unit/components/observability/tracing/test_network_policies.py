"""Who reaches Jaeger and the collectors."""

from typing import Any

from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.tracing.network_policies import tracing_walls

MONITORING = {"matchLabels": {"kubernetes.io/metadata.name": "watch"}}


def reached(**more: Any) -> dict[str, dict[str, set[int]]]:
    """Part -> who -> ports."""
    args = ObservabilityStackArgs.model_validate({"namespace": "watch", **more})
    found: dict[str, dict[str, set[int]]] = {}
    for item in tracing_walls(args):
        name = item["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        found[name] = {
            ("monitoring" if rule["from"] == [{"namespaceSelector": MONITORING}] else "everybody"): {
                port["port"] for port in rule["ports"]
            }
            for rule in item["spec"]["ingress"]
        }
    return found


def test_jaeger_ui_is_reachable_only_for_monitoring() -> None:
    """Requirement SEC-12: Jaeger has no login, so Grafana and Kiali show its traces."""
    assert reached() == {"jaeger": {"everybody": {4317, 4318}, "monitoring": {8888, 16686}}}


def test_spans_of_other_pods_must_pass_the_agents() -> None:
    """Requirement OBS-9: past the agents, a trace would be split over gateways or bypass sampling."""
    found = reached(collectors={})
    assert found["otel-agent"] == {"everybody": {4317, 4318}, "monitoring": {8888}}
    assert found["otel-gateway"] == {"monitoring": {4317, 4318, 8888}}
    assert found["jaeger"] == {"monitoring": {4317, 4318, 8888, 16686}}


def test_sdks_may_fetch_sampling_strategies() -> None:
    """Requirement OBS-9: remote sampling is for images without the runtime."""
    assert reached(jaeger={"sampling": {}})["jaeger"]["everybody"] == {4317, 4318, 5778, 5779}
