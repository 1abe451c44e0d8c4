"""Autoscaler of the local run: ScaledObjects as settings, and triggers without a value."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.autoscaling import scalers
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget
from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.manifests import service_manifests
from meshed_mcp.components.mesh.service.pod_monitor import pod_monitors
from meshed_mcp.error_codes.code import Message
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.observe import prometheus
from meshed_mcp.local.process.autoscaler import ScaledDeployment, instant_query, metrics, scaled_deployments
from meshed_mcp.local.session import autoscaled
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import Identity, Pod, topology


def rendered(**settings: Any) -> Manifest:
    """A ScaledObject of the component."""
    raw = {"targets": {"mcp-rag": settings}, "prometheus_url": "http://prometheus", "forecast": {"mode": "on"}}
    (item,) = scalers.autoscaler_manifests(AutoscalingPolicyArgs.model_validate(raw))
    return item


def read(**settings: Any) -> ScaledDeployment:
    """Its settings."""
    (found,) = scaled_deployments([rendered(**settings)])
    return found


@pytest.mark.parametrize(
    "settings",
    [
        {"min_replicas": 3, "max_replicas": 9},
        {"scale_up": {"percent": 100, "tolerance_percent": 10, "stabilization_seconds": 30}},
        {"profile": "session"},
        {"scale_down": {"percent": 10, "pods": 2}},
        {"scale_down": {"tolerance_percent": 3}},
    ],
    ids=str,
)
def test_bounds_and_policies_are_read_as_rendered(settings: dict[str, Any]) -> None:
    """Requirement LOC-1: what runs locally is what is rendered."""
    wanted, found = ScalingTarget.model_validate(settings), read(**settings).settings
    fields = ("min_replicas", "max_replicas", "scale_up", "scale_down")
    assert [getattr(found, field) for field in fields] == [getattr(wanted, field) for field in fields]


def test_prometheus_triggers_run_and_the_rest_is_listed() -> None:
    """Requirement LOC-2: nothing is silently left out."""
    schedule = {"start": "0 8 * * *", "end": "0 9 * * *", "timezone": "UTC", "replicas": 4}
    found = read(schedules=[schedule], sessions_per_replica=50)
    assert [(item.name, item.threshold, item.empty_is_zero) for item in found.triggers] == [
        ("in-flight", 28, False),
        ("sessions", 50, False),
        ("forecast", 28, True),
    ]
    assert found.not_run == ("cpu", "schedule-0")


def test_a_scaled_object_without_a_query_does_not_run() -> None:
    """Requirement LOC-2: CPU of processes on a shared machine is not a usable metric."""
    assert scaled_deployments([rendered(in_flight_per_replica=None)]) == []


def test_a_query_without_a_result_blocks_scale_in_but_a_forecast_does_not() -> None:
    """Kubernetes, "Horizontal Pod Autoscaling": with a metric missing it may grow, not shrink."""
    answers = {"in-flight": None, "forecast": None}
    found = read()
    by_query = {item.query: answers[item.name] for item in found.triggers}
    assert metrics(found, 7, by_query.get) == [(7.0, 1.0), (0.0, 28.0)]


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ([{"value": [0, "4.5"]}], 4.5),
        ([], None),
        ([{"value": [0, "1"]}, {"value": [0, "2"]}], None),
        ([{"value": [0, "NaN"]}], None),
        ([{"value": [0, "+Inf"]}], None),
    ],
)
def test_a_query_result_is_one_finite_number(answer: list[dict[str, Any]], number: float | None) -> None:
    """KEDA, Prometheus scaler: at most one element; several are an error."""
    assert instant_query(lambda *_: answer)("up") == number


def test_an_unreachable_prometheus_is_a_missing_result() -> None:
    """Requirement SCL-2: the run continues, and the replica count stays."""

    def refuse(*_: object) -> list[dict[str, Any]]:
        raise ConfigurationError([ConfigIssue("--prometheus", "", Message("MM0866", "does not answer"))])

    assert instant_query(refuse)("up") is None


def test_series_get_the_labels_that_the_pod_monitor_gives(topology_pod: Pod) -> None:
    """Prometheus operator, PodMonitor: selected by the pods' labels, named by relabeling."""
    (monitor,) = pod_monitors("mcp-rag", MeshedMCPServiceArgs.model_validate({"image": "a:1", "namespace": "apps"}))
    (job,) = prometheus.jobs(monitor, Path("targets.json"))
    found = prometheus.target(topology_pod)
    assert (job["scrape_interval"], job["scrape_timeout"]) == ("5s", "4s")
    kept = [(rule["source_labels"][0], rule["regex"]) for rule in job["relabel_configs"] if "regex" in rule]
    assert all(found["labels"][label] == value for label, value in kept)
    named = {rule["target_label"]: found["labels"][rule["source_labels"][0]] for rule in job["relabel_configs"][2:]}
    assert named == {contract.LABEL_SERVER: "mcp-rag", contract.LABEL_VERSION: "stable"}
    assert found["targets"] == ["127.9.0.1:9464"]


@pytest.fixture
def topology_pod() -> Pod:
    """A replica."""
    labels = {"app": "mcp-rag", "version": "stable", contract.LABEL_NAME: "mcp-rag"}
    identity = Identity("cluster.local", "apps", "mcp-rag")
    return Pod("mcp-rag-0", "127.9.0.1", identity, labels, 8000, deployment=None)  # type: ignore[arg-type]


def test_a_missing_prometheus_is_reported_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement CFG-2: one line, with the fix."""
    monkeypatch.setattr(prometheus, "PROGRAM", "no-such-program")
    with pytest.raises(
        LocalRunError,
        match=("no-such-program is not on the PATH; install it"),
    ):
        prometheus.scraping([], Path(".engines")).__enter__()


def test_a_server_on_one_port_is_reported_and_not_scaled() -> None:
    """Requirement LOC-2: a second process could not have the port."""
    external = {"image": "a:1", "runtime": "external", "command": ["sh"], "port": 3001}
    settings: list[dict[str, Any]] = [external, {"image": "a:1", "command": ["python"]}]
    names = ["mcp-files", "mcp-rag"]
    arguments = [MeshedMCPServiceArgs.model_validate(each) for each in settings]
    pairs = zip(names, arguments, strict=True)
    stack = read_stack([item for name, args in pairs for item in service_manifests(name, args)])
    up: Any = SimpleNamespace(topology=topology(stack, 16))
    scraping: Any = SimpleNamespace(client=SimpleNamespace(result=None))
    raw = {"targets": {name: {} for name in names}, "prometheus_url": "http://prometheus"}
    objects = scalers.autoscaler_manifests(AutoscalingPolicyArgs.model_validate(raw))
    reported = list[str]()
    autoscaled(up, objects, scraping, reported.append)
    assert reported[0] == "mcp-files is not scaled: its server listens on one port of this machine"
    assert [line.split()[0] for line in reported] == names
