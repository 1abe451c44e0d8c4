"""What the fast scaler makes of answers, and when it writes."""

from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents.autoscaler.fast_scaler import FastScaler, main, minimums
from meshed_mcp.agents.autoscaler.runner import seconds_until_next


def answer(**values: str) -> dict[str, Any]:
    """Prometheus's answer with a value per ScaledObject."""
    series = [{"metric": {contract.LABEL_SCALED_OBJECT: name}, "value": [0, text]} for name, text in values.items()]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}


class Seen:
    """A fast scaler with a clock, answers and writes of the test's own."""

    def __init__(self) -> None:
        self.now, self.wanted, self.refuses = 0.0, {"a": 4}, False
        self.writes: list[tuple[str, int]] = []
        self.registry = CollectorRegistry()
        self.fast_scaler = FastScaler(self.ask, self.write, self.registry, lambda: self.now)

    def ask(self) -> dict[str, int]:
        """What Prometheus says; nothing = it does not answer."""
        if not self.wanted:
            raise httpx.ConnectError("refused")
        return self.wanted

    def write(self, name: str, minimum: int) -> None:
        """Note a patch."""
        if self.refuses:
            raise httpx.ConnectError("refused")
        self.writes.append((name, minimum))


def test_only_positive_numbers_of_named_objects_are_minimums() -> None:
    """Requirement SCL-6: any other value from Prometheus raises no minimum."""
    found = parse_minimums(answer(a="4", b="0", c="NaN", d="+Inf", e="2.2"))
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
    seen = Seen()
    for now, minimum in ((0, 4), (5, 4), (10, 6), (15, 6), (70, 6)):
        seen.now, seen.wanted = now, {"a": minimum}
        seen.fast_scaler.reconcile()
    assert seen.writes == [("a", 4), ("a", 6), ("a", 6)]
    assert seen.registry.get_sample_value(contract.METRIC_FAST_SCALER_MINIMUM, {"scaledobject": "a"}) == 6


def test_a_rejected_patch_is_retried_and_counted() -> None:
    """Requirement SCL-6: a ScaledObject that does not exist yet does not end the fast scaler."""
    seen = Seen()
    seen.refuses = True
    seen.fast_scaler.reconcile()
    seen.refuses = False
    seen.fast_scaler.reconcile()
    assert seen.writes == [("a", 4)]
    assert seen.registry.get_sample_value(contract.METRIC_FAST_SCALER_PATCHES, {"outcome": "failed"}) == 1


def test_a_deleted_object_is_removed_from_the_metrics() -> None:
    """Requirement OBS-2: series do not grow with the objects that existed before."""
    seen = Seen()
    for number in range(100):
        seen.now, seen.wanted = number, {f"object-{number}": 4, "stays": 2}
        seen.fast_scaler.reconcile()
    shown = [metric for metric in seen.registry.collect() if metric.name == contract.METRIC_FAST_SCALER_MINIMUM]
    assert {sample.labels["scaledobject"]: sample.value for sample in shown[0].samples} == {"object-99": 4, "stays": 2}
    assert len(seen.fast_scaler._patched) == 2
    seen.wanted = {"object-1": 4}
    seen.fast_scaler.reconcile()
    assert seen.writes[-1] == ("object-1", 4)


def test_without_a_response_nothing_is_written() -> None:
    """Requirement SCL-2: no response from Prometheus changes no minimum and no timestamp."""
    seen = Seen()
    seen.wanted = {}
    seen.fast_scaler.reconcile()
    assert seen.writes == []
    assert seen.registry.get_sample_value(contract.METRIC_FAST_SCALER_ANSWERED) == 0


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
