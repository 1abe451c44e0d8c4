"""Who reaches Jaeger and the collectors."""

from typing import Any

from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.tracing_walls import tracing_walls

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


def test_jaegers_pages_are_for_monitoring_alone() -> None:
    """Issue 6, point 11: Jaeger knows no log-in, so its pages are seen through Grafana and Kiali."""
    assert reached() == {"jaeger": {"everybody": {4317, 4318}, "monitoring": {8888, 16686}}}


def test_spans_of_strangers_come_by_the_agents() -> None:
    """Product rule: past the agents, a trace would be split over gateways, or skip the choice."""
    found = reached(collectors={})
    assert found["otel-agent"] == {"everybody": {4317, 4318}, "monitoring": {8888}}
    assert found["otel-gateway"] == {"monitoring": {4317, 4318, 8888}}
    assert found["jaeger"] == {"monitoring": {4317, 4318, 8888, 16686}}


def test_sdks_that_ask_for_advice_reach_it() -> None:
    """Issue 6, point 7: remote sampling is for the images of others."""
    assert reached(jaeger={"sampling": {}})["jaeger"]["everybody"] == {4317, 4318, 5778, 5779}
