"""The pod deletion cost controller: which costs are patched, and when."""

from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents.autoscaler.pod_deletion_cost import PodDeletionCostController, main, parse_costs


class Harness:
    """A controller with a fake clock, query and API server."""

    def __init__(self) -> None:
        self.now, self.desired, self.status = 0.0, {"a": 4}, 200
        self.writes: list[tuple[str, int]] = []
        self.registry = CollectorRegistry()
        self.controller = PodDeletionCostController(self.query, self.write, self.registry, lambda: self.now)

    def query(self) -> dict[str, int]:
        """Return the desired values; without any, Prometheus does not respond."""
        if not self.desired:
            raise httpx.ConnectError("refused")
        return self.desired

    def write(self, pod: str, cost: int) -> None:
        """Record a patch, or raise an error."""
        httpx.Response(self.status, request=httpx.Request("PATCH", "https://api")).raise_for_status()
        self.writes.append((pod, cost))

    def patches(self, outcome: str) -> float:
        """Count of patches with this outcome."""
        return self.registry.get_sample_value(contract.METRIC_DELETION_PATCHES, {contract.LABEL_OUTCOME: outcome}) or 0

    def at(self, now: float, **desired: int) -> None:
        """Reconcile once at this time."""
        self.now, self.desired = now, desired
        self.controller.reconcile()


def test_a_cost_is_written_on_change_and_at_most_once_a_minute() -> None:
    """Kubernetes, "Pod deletion cost": avoid updating the annotation frequently."""
    harness = Harness()
    for now, cost in ((0, 4), (15, 4), (30, 6), (60, 7), (75, 7), (300, 7)):
        harness.at(now, a=cost)
    assert harness.writes == [("a", 4), ("a", 7)]


def test_a_new_pod_is_marked_at_once_and_a_deleted_pod_is_forgotten() -> None:
    """Requirement SCL-3: a new pod of the same name, as in a StatefulSet, is marked anew."""
    harness = Harness()
    harness.at(0, a=4)
    harness.at(15, a=4, b=0)
    harness.at(30, b=0)
    harness.at(45, a=4, b=0)
    assert harness.writes == [("a", 4), ("b", 0), ("a", 4)]


def test_a_failure_changes_no_mark_and_is_retried(caplog: pytest.LogCaptureFixture) -> None:
    """Requirement SCL-2: without Prometheus or the API server, the marks stay as they are."""
    harness = Harness()
    harness.status = 500
    harness.at(0, a=4)
    assert "the deletion cost of pod a is unchanged" in caplog.text
    harness.status = 200
    harness.at(15)
    assert "Prometheus does not respond, so no deletion cost changes" in caplog.text
    harness.at(30, a=4)
    assert harness.writes == [("a", 4)]
    assert (harness.patches("failed"), harness.patches("written")) == (1, 1)


def test_a_pod_deleted_meanwhile_is_not_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """Kubernetes API: 404; Prometheus knows a pod for some seconds longer."""
    harness = Harness()
    harness.status = 404
    harness.at(0, a=4)
    assert (harness.patches("gone"), harness.patches("failed"), caplog.text) == (1, 0, "")


def test_costs_are_whole_numbers_of_named_pods() -> None:
    """Kubernetes: the annotation is a whole number; other values would be ignored."""
    values = {"a": "4", "b": "0", "c": "NaN", "d": "+Inf"}
    series: list[Any] = [{"metric": {"pod": pod}, "value": [0, text]} for pod, text in values.items()]
    series.append({"metric": {}, "value": [0, "3"]})
    assert parse_costs({"status": "success", "data": {"result": series}}) == {"a": 4, "b": 0}


def test_a_missing_setting_ends_the_start_in_one_line() -> None:
    """Requirement RUN-6: a missing setting is named with what the stack sets for it."""
    with pytest.raises(SystemExit) as raised:
        main({})
    named = "MM0814: MESHED_MCP_PROMETHEUS_URL is not set; AutoscalingPolicy sets it where deletion_cost is set"
    assert str(raised.value) == named
