"""The recording rule of the fast scaler, evaluated by the real promtool."""

from pathlib import Path
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.fast_scaler import live_query
from meshed_mcp.components.autoscaling.fast_scaler.manifests import fast_scaler_manifests
from meshed_mcp.components.promql import fast_scaler
from tests.promql.rule_cases import promtool_failures

pytestmark = pytest.mark.engine("promtool")

NUMBERS = {"in_flight_per_replica": 10, "max_replicas": 6}
CANARY = {**NUMBERS, "service": "mcp-two", "version": "canary", "deployment": "mcp-two-canary", "max_replicas": 3}
RAW = {
    "targets": {
        "mcp-rag": NUMBERS,
        "mcp-llm": NUMBERS,
        "mcp-two": {**NUMBERS, "version": "stable"},
        "mcp-two-canary": CANARY,
    },
    "prometheus_url": "http://prometheus:9090",
    "keda": {"install": "existing", "fast_scaler": {"image": "runtime:1"}},
}


def says(
    promtool: Path,
    folder: Path,
    series: dict[str, str],
    interval: str,
    checks: list[dict[str, Any]],
    every: str | None = None,
) -> str:
    """Failures in promtool's report; samples have the interval `interval`, rules `every`, by default the same.

    promtool loads samples up to the last evaluation before the last check.
    """
    args = AutoscalingPolicyArgs.model_validate(RAW)
    (rules,) = [item for item in fast_scaler_manifests(args) if item["kind"] == "PrometheusRule"]
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    case = {"interval": interval, "input_series": inputs, "promql_expr_test": checks}
    return promtool_failures(promtool, folder, [rules], case, every or interval)


def load(server: str, **labels: str) -> str:
    """Series of one pod's in-flight requests."""
    every = {"namespace": "mcp-system", contract.LABEL_SERVER: server, **labels}
    text = ",".join(f'{key}="{value}"' for key, value in every.items())
    return f"{contract.METRIC_ACTIVE_REQUESTS}{{{text}}}"


def query() -> str:
    """Query of the fast scaler, from its Deployment."""
    (deployment,) = [
        item
        for item in fast_scaler_manifests(AutoscalingPolicyArgs.model_validate(RAW))
        if item["kind"] == "Deployment"
    ]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return str(next(item["value"] for item in container["env"] if item["name"] == contract.ENV_FAST_SCALER_QUERY))


def least(at: str, **values: float) -> dict[str, Any]:
    """The minimums expected at a time, per ScaledObject."""
    samples = [
        {"labels": f'{{{contract.LABEL_SCALED_OBJECT}="{name.replace("_", "-")}"}}', "value": value}
        for name, value in values.items()
    ]
    return {"expr": query(), "eval_time": at, "exp_samples": samples}


def test_peak_raises_the_minimum_for_five_minutes_within_the_bounds(promtool: Path, tmp_path: Path) -> None:
    """Requirement SCL-6: the next scrape raises the minimum; absent metrics raise nothing."""
    series = {load("mcp-rag"): "0x11 35x11 0x71 1000x11 _x5 stale"}
    checks = [
        least(at, mcp_rag=value) for at, value in (("55s", 2), ("60s", 4), ("6m50s", 4), ("7m10s", 2), ("8m10s", 6))
    ]
    assert says(promtool, tmp_path, series, "5s", [*checks, least("10m")]) == ""


def test_step_raises_the_minimum_before_the_rule_records_it(promtool: Path, tmp_path: Path) -> None:
    """Requirement SCL-6: the query sees a step with its scrape; the rule records it at its next evaluation."""
    series = {load("mcp-rag"): "0x6 35x9", load("mcp-llm"): "0x15"}
    minimums = [least(at, mcp_rag=value, mcp_llm=2) for at, value in (("6s", 2), ("7s", 4), ("10s", 4))]
    record = f'{fast_scaler.NEEDED}{{namespace="mcp-system",{contract.LABEL_SCALED_OBJECT}="mcp-rag"}}'
    records = [
        {"expr": record, "eval_time": at, "exp_samples": [{"labels": record, "value": value}]}
        for at, value in (("7s", 2), ("10s", 4))
    ]
    assert says(promtool, tmp_path, series, "1s", [*minimums, *records], every="5s") == ""


def test_peak_between_two_rule_evaluations_is_held(promtool: Path, tmp_path: Path) -> None:
    """Requirement SCL-6: a minimum raised for one second is still held for the whole hold time."""
    series = {load("mcp-rag"): "0x6 35x1 0x300"}
    checks = [least(f"{at}s", mcp_rag=4) for at in (7, 8, 9, 10, 12, 20, 200)]
    assert says(promtool, tmp_path, series, "1s", checks, every="5s") == ""


def test_returning_load_yields_no_minimum_until_the_rule_records_it(promtool: Path, tmp_path: Path) -> None:
    """Requirement SCL-6: after an outage, the live value alone would end a hold."""
    series = {load("mcp-rag"): "35x20 stale _x20 0x20"}
    checks = [least("28s", mcp_rag=4), least("35s"), least("43s"), least("45s", mcp_rag=4)]
    assert says(promtool, tmp_path, series, "1s", checks, every="5s") == ""


def test_each_version_counts_its_own_load_within_its_own_bounds(promtool: Path, tmp_path: Path) -> None:
    """Requirement SCL-4: one expression covers many services and mixes none of them."""
    series = {
        load("mcp-two", version="stable", pod="a"): "0x6 11x9",
        load("mcp-two", version="stable", pod="b"): "0x6 11x9",
        load("mcp-two", version="canary", pod="c"): "0x6 900x9",
        load("mcp-rag", pod="d"): "0x6 41x9",
    }
    expected = {"mcp_two": 3, "mcp_two_canary": 3, "mcp_rag": 5}
    checks = [least(at, **expected) for at in ("8s", "10s")]
    assert says(promtool, tmp_path, series, "1s", checks, every="5s") == ""


def test_services_beyond_the_live_query_are_covered_by_the_rule(
    promtool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement SCL-6: the recording rule covers them five seconds later."""
    monkeypatch.setattr(live_query, "TEXT_BYTES", 0)
    checks = [least("8s", mcp_rag=2), least("10s", mcp_rag=4)]
    assert says(promtool, tmp_path, {load("mcp-rag"): "0x6 35x9"}, "1s", checks, every="5s") == ""
