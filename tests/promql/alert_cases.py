"""The series on which each alert fires and those on which it does not: one file per alert, in promtool's notation.

`alerts/<name>.yaml` is a list of cases. Each has two sets of series with one value a minute, the rendered summary of
the alert that fires, and the time at which promtool evaluates it (two hours unless `at` is set).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import TypeAdapter

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.fast_scaler.manifests import fast_scaler_manifests
from meshed_mcp.components.autoscaling.forecast import rules
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.prometheus.alert_rules import alert_rules

FOLDER = Path(__file__).parent / "alerts"

POLICY = {
    "targets": {"mcp-rag": {"in_flight_per_replica": 10, "monthly_budget": 35, "replica_month_cost": 7}},
    "prometheus_url": "http://prometheus:9090",
    "forecast": {"mode": "on"},
    "keda": {"fast_scaler": {"image": "runtime:1"}},
    "dashboards_url": "http://grafana.monitoring.svc:80",
}
"""A policy with every alert on autoscaling; each replica costs 7, the budget is 35."""


class Case(NamedTuple):
    """Input series on which the alert fires, and series on which it does not."""

    summary: str
    fires: dict[str, str]
    quiet: dict[str, str]
    at: str = "2h"


CASES: TypeAdapter[list[Case]] = TypeAdapter(list[Case])


def cases(name: str) -> list[Case]:
    """The cases of one alert. Raises if there is none or a part is missing."""
    found = CASES.validate_python(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))
    if not all(found) or not found:
        raise ValueError(f"{name}.yaml has a case without series that fire or without series that do not")
    return found


def rendered_rules(alerts: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Every alerting rule that the components render, with the settings `alerts`."""
    monitoring = ObservabilityStackArgs.model_validate({"monthly_cost_budget": 1000, "alerts": alerts or {}})
    policy = AutoscalingPolicyArgs.model_validate({**POLICY, "alerts": alerts or {}})
    objects = [alert_rules(monitoring), *rules.forecast_rules(policy), *fast_scaler_manifests(policy)]
    groups = [group for item in objects if item["kind"] == "PrometheusRule" for group in item["spec"]["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]
