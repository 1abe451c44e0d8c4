"""What the marker makes of answers, and when it writes."""

from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents.autoscaler.pod_deletion_cost import Marker, costs, main


class Seen:
    """A marker with a clock, answers and writes of the test's own."""

    def __init__(self) -> None:
        self.now, self.wanted, self.status = 0.0, {"a": 4}, 200
        self.writes: list[tuple[str, int]] = []
        self.registry = CollectorRegistry()
        self.marker = Marker(self.ask, self.write, self.registry, lambda: self.now)

    def ask(self) -> dict[str, int]:
        """What Prometheus says; nothing = it does not answer."""
        if not self.wanted:
            raise httpx.ConnectError("refused")
        return self.wanted

    def write(self, pod: str, cost: int) -> None:
        """Note a patch, or refuse it."""
        httpx.Response(self.status, request=httpx.Request("PATCH", "https://api")).raise_for_status()
        self.writes.append((pod, cost))

    def patches(self, outcome: str) -> float:
        """How many there were."""
        return self.registry.get_sample_value(contract.METRIC_DELETION_PATCHES, {contract.LABEL_OUTCOME: outcome}) or 0

    def at(self, now: float, **wanted: int) -> None:
        """One round at a time."""
        self.now, self.wanted = now, wanted
        self.marker.reconcile()


def test_a_cost_is_written_on_change_and_at_most_once_a_minute() -> None:
    """Kubernetes, "Pod deletion cost": avoid updating the annotation frequently."""
    seen = Seen()
    for now, cost in ((0, 4), (15, 4), (30, 6), (60, 7), (75, 7), (300, 7)):
        seen.at(now, a=cost)
    assert seen.writes == [("a", 4), ("a", 7)]


def test_a_new_pod_is_marked_at_once_and_a_deleted_pod_is_forgotten() -> None:
    """Requirement SCL-3: a new pod of the same name, as in a StatefulSet, is marked anew."""
    seen = Seen()
    seen.at(0, a=4)
    seen.at(15, a=4, b=0)
    seen.at(30, b=0)
    seen.at(45, a=4, b=0)
    assert seen.writes == [("a", 4), ("b", 0), ("a", 4)]


def test_a_failure_changes_no_mark_and_is_retried(caplog: pytest.LogCaptureFixture) -> None:
    """Requirement SCL-2: without Prometheus or the API server, the marks stay as they are."""
    seen = Seen()
    seen.status = 500
    seen.at(0, a=4)
    assert "the deletion cost of pod a stays" in caplog.text
    seen.status = 200
    seen.at(15)
    assert "Prometheus gives no answer, so no deletion cost changes" in caplog.text
    seen.at(30, a=4)
    assert seen.writes == [("a", 4)]
    assert (seen.patches("failed"), seen.patches("written")) == (1, 1)


def test_a_pod_deleted_meanwhile_is_not_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """Kubernetes API: 404; Prometheus knows a pod for some seconds longer."""
    seen = Seen()
    seen.status = 404
    seen.at(0, a=4)
    assert (seen.patches("gone"), seen.patches("failed"), caplog.text) == (1, 0, "")


def test_costs_are_whole_numbers_of_named_pods() -> None:
    """Kubernetes: the annotation is a whole number; other values would be ignored."""
    values = {"a": "4", "b": "0", "c": "NaN", "d": "+Inf"}
    series: list[Any] = [{"metric": {"pod": pod}, "value": [0, text]} for pod, text in values.items()]
    series.append({"metric": {}, "value": [0, "3"]})
    assert costs({"status": "success", "data": {"result": series}}) == {"a": 4, "b": 0}


def test_a_missing_setting_ends_the_start_in_one_line() -> None:
    """Requirement RUN-6: a missing setting is named with what the stack sets for it."""
    with pytest.raises(SystemExit) as raised:
        main({})
    named = "MM0814: MESHED_MCP_PROMETHEUS_URL is not set; AutoscalingPolicy sets it where deletion_cost is set"
    assert str(raised.value) == named
