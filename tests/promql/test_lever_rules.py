"""The lever's rule and its alert, evaluated by the real promtool."""

from pathlib import Path
from typing import Any

import pytest
from rule_cases import differs

from meshed_mcp import contract
from meshed_mcp.components.autoscaling import lever
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.core import lever_queries

pytestmark = pytest.mark.engine("promtool")

RAW = {
    "targets": {"mcp-rag": {"in_flight_per_replica": 10, "max_replicas": 6}},
    "prometheus_url": "http://prometheus:9090",
    "keda": {"install": "existing", "lever": {"image": "runtime:1"}},
}
HERE = f'namespace="mcp-system",{contract.LABEL_SERVER}="mcp-rag"'
LOAD = f"{contract.METRIC_ACTIVE_REQUESTS}{{{HERE}}}"
ANSWERED = f'{contract.METRIC_LEVER_ANSWERED}{{namespace="mcp-system"}}'


def says(promtool: Path, folder: Path, series: dict[str, str], interval: str, checks: list[dict[str, Any]]) -> str:
    """What differs."""
    args = AutoscalingPolicyArgs.model_validate(RAW)
    (rules,) = [item for item in lever.manifests(args) if item["kind"] == "PrometheusRule"]
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    case = {"interval": interval, "input_series": inputs, "promql_expr_test": checks}
    return differs(promtool, folder, [rules], case, interval)


def least(at: str, value: float | None) -> dict[str, Any]:
    """The minimum expected at a time."""
    labels = f'{{{contract.LABEL_SCALED_OBJECT}="mcp-rag"}}'
    samples = [] if value is None else [{"labels": labels, "value": value}]
    return {"expr": lever_queries.minimum("mcp-system", 300), "eval_time": at, "exp_samples": samples}


def test_a_peak_is_held_for_five_minutes_within_the_bounds(promtool: Path, tmp_path: Path) -> None:
    """Product rule: the next scrape raises; the hold keeps; no more than the maximum; unknown is no opinion."""
    load = {LOAD: "0x11 35x11 0x71 1000x11 _x5 stale"}
    checks = [least("55s", 2), least("65s", 4), least("6m50s", 4), least("7m10s", 2), least("8m10s", 6)]
    assert says(promtool, tmp_path, load, "5s", [*checks, least("10m", None)]) == ""


@pytest.mark.parametrize(
    ("series", "fires"),
    [({ANSWERED: "0+60x20"}, False), ({ANSWERED: "0+60x5 300x15"}, True), ({"up": "1x20"}, True)],
    ids=["answers", "hears nothing", "does not run"],
)
def test_its_alert_fires_when_no_lever_works(
    promtool: Path, tmp_path: Path, series: dict[str, str], *, fires: bool
) -> None:
    """Product rule: an alert without both cases is a guess."""
    count = 'count(ALERTS{alertname="MCPLeverMissing",alertstate="firing"})'
    samples = [{"labels": "{}", "value": 1}] if fires else []
    assert says(promtool, tmp_path, series, "1m", [{"expr": count, "eval_time": "15m", "exp_samples": samples}]) == ""
