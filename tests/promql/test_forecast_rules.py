"""The forecast's recording rules, evaluated by the real promtool over nine days of load."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.forecast.rules import forecast_rules
from meshed_mcp.components.promql import forecast
from tests.promql.rule_cases import promtool_failures, run_promtool

pytestmark = pytest.mark.engine("promtool")

NAMESPACE, SERVER = "mcp-system", "mcp-rag"
LABELS = f'{contract.LABEL_SERVER}="{SERVER}", namespace="{NAMESPACE}"'
BURST_MINUTE = 9 * 60
BURST_MINUTES = 30
DAY_MINUTES = 24 * 60


def groups(**settings: Any) -> list[dict[str, Any]]:
    """The rule groups of one service."""
    raw = {"namespace": NAMESPACE, "prometheus_url": "http://prometheus", "forecast": {"mode": "on"}, **settings}
    args = AutoscalingPolicyArgs.model_validate({"targets": {SERVER: {}}, **raw})
    (item,) = forecast_rules(args)
    return list(item["spec"]["groups"])


def recorded(promtool: Path, folder: Path, values: str, expected: Mapping[str, Mapping[str, float | None]]) -> str:
    """Failures of promtool for `expected` (time -> series -> value, None = absent) and a gauge with a value per minute.

    Rules are evaluated every five minutes, not every one: nine days in seconds.
    """
    slower = [{**group, "interval": "5m"} for group in groups()]
    labels = f'{{namespace="{NAMESPACE}",{contract.LABEL_SERVER}="{SERVER}",pod="{SERVER}-1"}}'
    checks = [
        {
            "expr": series,
            "eval_time": time,
            "exp_samples": [] if value is None else [{"labels": f"{series}{{{LABELS}}}", "value": value}],
        }
        for time, wanted in expected.items()
        for series, value in wanted.items()
    ]
    series = [{"series": contract.METRIC_ACTIVE_REQUESTS + labels, "values": values}]
    case = {"interval": "1m", "input_series": series, "promql_expr_test": checks}
    return promtool_failures(promtool, folder, [{"spec": {"groups": slower}}], case, "5m")


def daily_burst(days: int) -> str:
    """A load of 10 that is 40 for half an hour at nine every day, in promtool's notation."""
    rest = DAY_MINUTES - BURST_MINUTE - BURST_MINUTES
    return " ".join([f"10x{BURST_MINUTE - 1} 40x{BURST_MINUTES - 1} 10x{rest - 1}"] * days)


def test_forecast_rules_are_valid(promtool: Path, tmp_path: Path) -> None:
    """Prometheus' own parser, on the groups as the operator writes them to its rule files."""
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps({"groups": groups()}), encoding="utf-8")
    assert run_promtool(promtool, "check", "rules", path) == ""


def test_daily_burst_is_forecast_on_day_nine_and_not_on_day_one(promtool: Path, tmp_path: Path) -> None:
    """Requirement SCL-5: two minutes before a daily 4x burst the forecast is 40; the 5-minute mean is 10."""
    foreseen: dict[str, float | None] = {
        forecast.MEAN_5M: 10,
        forecast.FORECAST: 40,
        forecast.TRUSTED: 40,
    }
    silent: dict[str, float | None] = dict.fromkeys([forecast.TRUSTED, forecast.SEASONAL])
    expected = {"9d8h58m": foreseen, "8h58m": silent, "20h": silent}
    assert recorded(promtool, tmp_path, daily_burst(10), expected) == ""


def test_forecast_of_load_without_a_rhythm_is_not_trusted(promtool: Path, tmp_path: Path) -> None:
    """Requirement SCL-5: a large forecast error over a day keeps prediction off, as on NAB's trace."""
    # ten minutes of 200 every seven hours: a burst's echo of yesterday never meets today's
    values = " ".join(["5x409 200x9"] * 15)
    forecast_alone = {forecast.FORECAST: 5, forecast.TRUSTED: None}
    assert recorded(promtool, tmp_path, values, {"4d6h": forecast_alone}) == ""
