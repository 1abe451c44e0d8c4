"""Autoscaling in the local run: the rendered query on a real Prometheus, replicas started and drained."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest

from bench import stacks
from bench.steady import Rates, Steady, executions, steady, verdict
from meshed_mcp.components.autoscaling import scalers
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.promql import selectors
from meshed_mcp.local.observe.prometheus import Scraping, scraping
from meshed_mcp.local.process.autoscaler import ScaledDeployment, Scaler, instant_query, scaled_deployments
from meshed_mcp.local.process.changes import replicas_of
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.session import autoscaled
from meshed_mcp.local.translate.endpoints import gateway_url
from meshed_mcp.local.translate.stack import read_stack
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for

pytestmark = pytest.mark.engine("prometheus")

BUSY = Rates(modern=14, legacy=10, sessions=6, work_milliseconds=250)
"""6 calls in work."""

QUIET = Rates(modern=4, legacy=3, sessions=4, work_milliseconds=100)
"""Less than one."""

WAIT_SECONDS = 90
GREW = "counted: 1 -> 2 replicas in "


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    """Where the replicas note their executions."""
    folder = tmp_path / "counts"
    folder.mkdir()
    return folder


@pytest.fixture
def up(tmp_path: Path, counts: Path) -> Iterator[tuple[Running, Scraping, ScaledDeployment]]:
    """One replica of at most three, two calls each."""
    settings = {"min_replicas": 1, "max_replicas": 3, "in_flight_per_replica": 2}
    raw = {"targets": {stacks.COUNTED: settings}, "namespace": stacks.NAMESPACE, "prometheus_url": "http://prometheus"}
    objects = [
        *stacks.counted(counts, replicas=1),
        *scalers.autoscaler_manifests(AutoscalingPolicyArgs.model_validate(raw)),
    ]
    folders = RunFolders(tmp_path / "run", tmp_path / "secrets")
    (rendered,) = scaled_deployments(objects)
    with (
        running(read_stack(objects), free_port(), folders, lambda _: None) as started,
        scraping(objects, folders.state) as seen,
    ):
        yield started, seen, rendered


def stepping(scaler: Scaler, seen: Scraping, size: int) -> Callable[[], bool]:
    """Syncs without waiting for the period; whether the size is reached."""

    def step() -> bool:
        seen.follow(scaler.up.alive.values())
        scaler.due = 0
        scaler.step()
        return len(replicas_of(scaler.up, stacks.COUNTED)) == size

    return step


def hasty(found: ScaledDeployment) -> ScaledDeployment:
    """The same without the 30 s in which a peak is held and the 300 s of stabilization: shrinks in seconds."""
    pods = selectors.selector(stacks.NAMESPACE, stacks.COUNTED)
    down = found.settings.scale_down.model_copy(update={"stabilization_seconds": 0, "percent": 100})
    triggers = tuple(replace(item, query=selectors.in_flight(pods)) for item in found.triggers)
    return replace(found, settings=found.settings.model_copy(update={"scale_down": down}), triggers=triggers)


def test_load_of_both_revisions_scales_out_and_in_without_lost_calls(
    up: tuple[Running, Scraping, ScaledDeployment], counts: Path
) -> None:
    """Requirement SCL-1: local scale-in under load of both revisions; the rendered query is run unchanged."""
    started, seen, rendered = up
    url = gateway_url(started, started.topology.stack.services[0]) or ""
    ask = instant_query(seen.client.result)
    with steady(Steady(url, QUIET, prefix="quiet-")) as quiet:
        with steady(Steady(url, BUSY, prefix="busy-")) as busy:
            wait_for(stepping(Scaler(started, [rendered], ask), seen, 3), "three replicas", WAIT_SECONDS)
            grown = perf_counter()
            wait_for(lambda: len(replicas(busy, grown)) == 3, "answers of all three")
        wait_for(stepping(Scaler(started, [hasty(rendered)], ask), seen, 1), "one replica", WAIT_SECONDS)
        shrunk = perf_counter()
        wait_for(lambda: replicas(quiet, shrunk), "answers after it")
    calls = [*busy.calls, *quiet.calls]
    found = verdict(calls, executions(counts))
    lost = [call for call in calls if call.failure]
    assert found == {"calls": len(calls), "lost": 0, "doubled": 0, "answered_unexecuted": 0}, lost[:3]
    assert {call.era for call in calls} == {"2026-07-28", "2025-11-25"}
    assert started.services.pids.keys() == {"counted-0"}


def test_the_scale_command_reports_each_change(up: tuple[Running, Scraping, ScaledDeployment], tmp_path: Path) -> None:
    """Requirement LOC-5: `local --scale` reports the metric of each service and every change, at the HPA's period."""
    started, _, _ = up
    url = gateway_url(started, started.topology.stack.services[0]) or ""
    settings = {"min_replicas": 1, "max_replicas": 2, "in_flight_per_replica": 2}
    raw = {"targets": {stacks.COUNTED: settings}, "namespace": stacks.NAMESPACE, "prometheus_url": "http://prometheus"}
    objects = [
        *stacks.counted(tmp_path, replicas=1),
        *scalers.autoscaler_manifests(AutoscalingPolicyArgs.model_validate(raw)),
    ]
    said: list[str] = []
    with scraping(objects, tmp_path / "other") as watched, steady(Steady(url, BUSY)):
        step = autoscaled(started, objects, watched, said.append)
        wait_for(lambda: step() or any(GREW in line for line in said), "the change", WAIT_SECONDS)
    assert "counted scales by in-flight; not run here: cpu" in said


def replicas(load: Steady, after: float) -> set[str]:
    """Replicas that answered calls sent after a moment."""
    return {call.answer.split()[2] for call in list(load.calls) if call.at > after and not call.failure}
