"""The fast scaler: which query results are minimums, and when they are patched."""

from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents.autoscaler.fast_scaler import FastScaler, main, parse_minimums
from meshed_mcp.agents.autoscaler.runner import seconds_until_next


def response(**values: str) -> dict[str, Any]:
    """Return a query response with a value per ScaledObject."""
    series = [{"metric": {contract.LABEL_SCALED_OBJECT: name}, "value": [0, text]} for name, text in values.items()]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}


class Harness:
    """A fast scaler with a fake clock, query and API server."""

    def __init__(self) -> None:
        self.now, self.desired, self.rejects_patches = 0.0, {"a": 4}, False
        self.writes: list[tuple[str, int]] = []
        self.registry = CollectorRegistry()
        self.fast_scaler = FastScaler(self.query, self.write, self.registry, lambda: self.now)

    def query(self) -> dict[str, int]:
        """Return the desired values; without any, Prometheus does not respond."""
        if not self.desired:
            raise httpx.ConnectError("refused")
        return self.desired

    def write(self, name: str, minimum: int) -> None:
        """Record a patch, or raise an error."""
        if self.rejects_patches:
            raise httpx.ConnectError("refused")
        self.writes.append((name, minimum))


def test_only_positive_numbers_of_named_objects_are_minimums() -> None:
    """Requirement SCL-6: any other value from Prometheus raises no minimum."""
    found = parse_minimums(response(a="4", b="0", c="NaN", d="+Inf", e="2.2"))
    assert found == {"a": 4, "e": 3}
    unnamed = {"status": "success", "data": {"result": [{"metric": {}, "value": [0, "3"]}]}}
    assert parse_minimums(unnamed) == {}


@pytest.mark.parametrize("body", [{"status": "error", "error": "bad query"}, [], "text"])
def test_an_invalid_prometheus_response_is_rejected(body: object) -> None:
    """Prometheus, "HTTP API": status and data."""
    with pytest.raises(ValueError, match=r"^no result of a query: "):
        parse_minimums(body)


def test_changes_are_written_at_once_and_repeated_once_a_minute() -> None:
    """Requirement SCL-6: a minimum that another writer changed is restored, without a patch every 5 s."""
    harness = Harness()
    for now, minimum in ((0, 4), (5, 4), (10, 6), (15, 6), (70, 6)):
        harness.now, harness.desired = now, {"a": minimum}
        harness.fast_scaler.reconcile()
    assert harness.writes == [("a", 4), ("a", 6), ("a", 6)]
    assert harness.registry.get_sample_value(contract.METRIC_FAST_SCALER_MINIMUM, {"scaledobject": "a"}) == 6


def test_a_rejected_patch_is_retried_and_counted() -> None:
    """Requirement SCL-6: a ScaledObject that does not exist yet does not end the fast scaler."""
    harness = Harness()
    harness.rejects_patches = True
    harness.fast_scaler.reconcile()
    harness.rejects_patches = False
    harness.fast_scaler.reconcile()
    assert harness.writes == [("a", 4)]
    assert harness.registry.get_sample_value(contract.METRIC_FAST_SCALER_PATCHES, {"outcome": "failed"}) == 1


def test_a_deleted_object_is_removed_from_the_metrics() -> None:
    """Requirement OBS-2: series do not grow with the objects that existed before."""
    harness = Harness()
    for number in range(100):
        harness.now, harness.desired = number, {f"object-{number}": 4, "stays": 2}
        harness.fast_scaler.reconcile()
    shown = [metric for metric in harness.registry.collect() if metric.name == contract.METRIC_FAST_SCALER_MINIMUM]
    assert {sample.labels["scaledobject"]: sample.value for sample in shown[0].samples} == {"object-99": 4, "stays": 2}
    assert len(harness.fast_scaler._patched) == 2
    harness.desired = {"object-1": 4}
    harness.fast_scaler.reconcile()
    assert harness.writes[-1] == ("object-1", 4)


def test_without_a_response_nothing_is_written() -> None:
    """Requirement SCL-2: no response from Prometheus changes no minimum and no timestamp."""
    harness = Harness()
    harness.desired = {}
    harness.fast_scaler.reconcile()
    assert harness.writes == []
    assert harness.registry.get_sample_value(contract.METRIC_FAST_SCALER_ANSWERED) == 0


@pytest.mark.parametrize(("now", "wait"), [(100.0, 0.5), (100.25, 0.25), (100.75, 0.25)])
def test_queries_run_just_after_a_subquery_step(now: float, wait: float) -> None:
    """Prometheus, "Subquery": steps are multiples of the resolution; at any other time, the result is older."""
    assert seconds_until_next(now, contract.FAST_SCALER_PERIOD_SECONDS) == wait


SET = {contract.ENV_PROMETHEUS_URL: "http://prometheus:9090", contract.ENV_FAST_SCALER_QUERY: "up"}


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({}, "MM0814: MESHED_MCP_PROMETHEUS_URL is not set; AutoscalingPolicy sets it where keda.fast_scaler is set"),
        (
            SET,
            "MM0813: the Kubernetes API cannot be used: 'KUBERNETES_SERVICE_HOST'; run it in a pod with automount",
        ),
    ],
)
def test_a_wrong_setting_ends_the_start_in_one_line(environment: dict[str, str], text: str) -> None:
    """Requirement RUN-6: one line, no traceback."""
    with pytest.raises(SystemExit) as raised:
        main(environment)
    assert str(raised.value).startswith(text)
