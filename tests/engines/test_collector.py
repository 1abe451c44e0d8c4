"""Collector configurations, validated and run by a real collector on loopback."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.tracing.collectors import IMAGE, collector_objects
from meshed_mcp.components.promql import tracing as ways
from tests.engines.processes import Engine, free_port, running
from tests.engines.waiting import wait_for

pytestmark = pytest.mark.engine("collector")

Find = Callable[[str], Path]
MILLISECOND: Final = 1_000_000
START: Final = 1_790_000_000 * 1000 * MILLISECOND
SERVER: Final = 2
"""OTLP: `SPAN_KIND_SERVER`."""

FAILED: Final = 2
"""OTLP: `STATUS_CODE_ERROR`."""


def config(name: str, **collectors: Any) -> Manifest:
    """The file of the agent or the gateway, as their pods read it."""
    every = collector_objects(ObservabilityStackArgs.model_validate({"collectors": collectors}))
    (found,) = [item for item in every if item["kind"] == "ConfigMap" and item["metadata"]["name"] == name]
    return dict(yaml.safe_load(found["data"]["config.yaml"]))


CHOICES: Final[list[dict[str, Any]]] = [
    {},
    {"tail_sampling": {}},
    {"span_metrics": ["mcp-plain", "mcp-other"]},
    {"tail_sampling": {"rest_percent": 0}, "span_metrics": ["mcp-plain"]},
]


@pytest.mark.parametrize("collectors", CHOICES)
@pytest.mark.parametrize("name", ["otel-agent", "otel-gateway"])
def test_every_combination_is_a_valid_configuration(
    find_engine: Find, tmp_path: Path, name: str, collectors: dict[str, Any]
) -> None:
    """OpenTelemetry Collector, `validate`: an unknown part or field ends the process at its start."""
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config(name, **collectors)), encoding="utf-8")
    command: list[str | Path] = [find_engine("collector"), "validate", "--config", path]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_validator_has_the_release_that_the_pods_run(find_engine: Find) -> None:
    """Requirement PRJ-7: another release may know other fields."""
    command: list[str | Path] = [find_engine("collector"), "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.split()[-1] == IMAGE.rpartition(":")[2]


@contextmanager
def gateway(find_engine: Find, folder: Path, **collectors: Any) -> Iterator[tuple[Engine, str]]:
    """A gateway whose ports and targets are this machine's: traces and metrics end in files."""
    found = config("otel-gateway", **collectors)
    port, health, metrics = free_port(), free_port(), free_port()
    found["receivers"]["otlp"]["protocols"] = {"http": {"endpoint": f"127.0.0.1:{port}"}}
    found["extensions"]["health_check"]["endpoint"] = f"127.0.0.1:{health}"
    reader = found["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
    reader |= {"host": "127.0.0.1", "port": metrics}
    found["exporters"] = {name: {"path": str(folder / f"{name[5:]}.json")} for name in ("file/traces", "file/metrics")}
    pipelines = found["service"]["pipelines"]
    pipelines["traces"]["exporters"] = ["file/traces"]
    if "metrics" in pipelines:
        pipelines["metrics"]["exporters"] = ["file/metrics"]
        found["connectors"]["spanmetrics"]["metrics_flush_interval"] = "1s"
    else:
        del found["exporters"]["file/metrics"]
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(found), encoding="utf-8")
    with running([str(find_engine("collector")), "--config", str(path)], folder / "log") as engine:
        wait_for(lambda: healthy(engine, f"http://127.0.0.1:{health}/"), "the collector")
        yield engine, f"http://127.0.0.1:{port}/v1/traces"


def healthy(engine: Engine, url: str) -> bool:
    """Whether it answers."""
    engine.check()
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def send(url: str, number: int, service: str = "mcp-rag", milliseconds: int = 5, **span: Any) -> str:
    """One trace of one span of a service, by OTLP over HTTP; its id."""
    trace = f"{number:032x}"
    attributes = {"mcp.method.name": "tools/call", **span.pop("attributes", {})}
    body = {
        "traceId": trace,
        "spanId": f"{number:016x}",
        "name": "tools/call search",
        "kind": SERVER,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + milliseconds * MILLISECOND),
        "attributes": pairs(attributes),
        **span,
    }
    resource = {"attributes": pairs({"service.name": service})}
    httpx.post(
        url, json={"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [body]}]}]}
    ).raise_for_status()
    return trace


def pairs(values: dict[str, str]) -> list[dict[str, Any]]:
    """Attributes as OTLP writes them."""
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def failed(code: str) -> dict[str, Any]:
    """A span that the SDK marks as an error."""
    return {"status": {"code": FAILED}, "attributes": {"error.type": code}}


def kept(folder: Path) -> set[str]:
    """Traces that came out."""
    path = folder / "traces.json"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    parts = [part for line in lines for part in json.loads(line)["resourceSpans"]]
    return {span["traceId"] for part in parts for scope in part["scopeSpans"] for span in scope["spans"]}


@pytest.mark.parametrize("percent", [0, 100])
def test_errors_and_slow_calls_are_sampled_and_caller_errors_are_not(
    find_engine: Find, tmp_path: Path, percent: int
) -> None:
    """Requirement OBS-9: errors and slow calls are kept, the rest by ratio; -32602 is the caller's (MCP)."""
    choice = {"rest_percent": percent, "decision_wait_seconds": 1, "slow_seconds": 1}
    with gateway(find_engine, tmp_path, tail_sampling=choice) as (_, url):
        error = send(url, 1, **failed("tool_error"))
        slow = send(url, 2, milliseconds=1_500)
        plain = send(url, 3)
        by_caller = [send(url, 4, **failed("-32602")), send(url, 5, **failed("-32601"))]
        wait_for(lambda: {error, slow} <= kept(tmp_path), "the traces that matter")
        last = send(url, 6, **failed("-32603"))  # chosen after all others
        wait_for(lambda: last in kept(tmp_path), "the last trace")
        assert kept(tmp_path) & {plain, *by_caller} == ({plain} if percent else set())


def test_calls_of_images_without_metrics_are_counted_from_their_spans(find_engine: Find, tmp_path: Path) -> None:
    """Requirement OBS-1: counted before sampling, for the named services only, by method, tool and error."""
    choice = {"rest_percent": 0, "decision_wait_seconds": 1}
    with gateway(find_engine, tmp_path, tail_sampling=choice, span_metrics=["mcp-plain"]) as (_, url):
        for number in range(1, 4):
            send(url, number, service="mcp-plain.mcp-system", attributes={"gen_ai.tool.name": "search"})
        send(url, 9, service="mcp-plainer")
        counted = wait_for(lambda: calls(tmp_path), "metrics of spans")
        wait_for(lambda: sum(calls(tmp_path).values()) == 3, "all calls counted")
    assert set(counted) == {("mcp-plain.mcp-system", "tools/call", "search")}


def test_the_collector_exposes_the_metrics_of_its_alerts(find_engine: Find, tmp_path: Path) -> None:
    """Names depend on how a collector's own metrics are read: this test reads them as the stack does."""
    found = config("otel-gateway", tail_sampling={"decision_wait_seconds": 1})
    port, health, metrics = free_port(), free_port(), free_port()
    found["receivers"]["otlp"]["protocols"] = {"http": {"endpoint": f"127.0.0.1:{port}"}}
    found["extensions"]["health_check"]["endpoint"] = f"127.0.0.1:{health}"
    reader = found["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
    reader |= {"host": "127.0.0.1", "port": metrics}
    found["exporters"]["otlp"]["endpoint"] = f"127.0.0.1:{free_port()}"  # no listener
    found["exporters"]["otlp"]["retry_on_failure"] = {"enabled": False}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(found), encoding="utf-8")
    with running([str(find_engine("collector")), "--config", str(path)], tmp_path / "log") as engine:
        wait_for(lambda: healthy(engine, f"http://127.0.0.1:{health}/"), "the collector")
        send(f"http://127.0.0.1:{port}/v1/traces", 1, **failed("tool_error"))
        url = f"http://127.0.0.1:{metrics}/metrics"
        wait_for(lambda: f"{ways.FAILED}{{" in httpx.get(url).text, "a span that was given up")
        names = {line.partition("{")[0].partition(" ")[0] for line in httpx.get(url).text.splitlines()}
    assert {ways.REFUSED, ways.FAILED, ways.QUEUE_SIZE, ways.QUEUE_CAPACITY, ways.DROPPED_TOO_EARLY} <= names


def calls(folder: Path) -> dict[tuple[str, str, str], int]:
    """Service, method and tool -> calls counted so far."""
    path, found = folder / "metrics.json", dict[tuple[str, str, str], int]()
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        for part in json.loads(line)["resourceMetrics"]:
            for metric in [each for scope in part["scopeMetrics"] for each in scope["metrics"]]:
                if metric["name"] == "traces.span.metrics.calls":
                    for point in metric["sum"]["dataPoints"]:
                        labels = {each["key"]: each["value"].get("stringValue", "") for each in point["attributes"]}
                        assert "span.name" not in labels
                        key = (labels["service.name"], labels["mcp.method.name"], labels["gen_ai.tool.name"])
                        found[key] = int(point["asInt"])
    return found
