"""Spans of a real process: they reach a collector, and an unreachable one loses only spans."""

import signal
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from meshed_mcp import contract
from meshed_mcp.agents.http.server import FORCED_EXIT
from tests.behaviors.replicas import Service, StartService, eventually, free_port
from tests.otlp_receiver import Receiver, otlp_receiver

pytestmark = pytest.mark.anyio

SERVICE = '''
import time

from meshed_mcp.agents import MCPService, span

service = MCPService("mcp-steps")


@service.tool()
def rank(text: str) -> str:
    """Do one step."""
    with span("rank passages", passages=3):
        return text


@service.custom_route("/breaks", ["GET"])
async def breaks(_: object) -> None:
    """Break outside MCP."""
    raise RuntimeError("broken")


@service.tool()
def block() -> str:
    """Hold a worker thread."""
    time.sleep(3600)
    return ""


@service.tool()
def fail() -> str:
    """Break."""
    raise RuntimeError("broken")


if __name__ == "__main__":
    service.run()
'''
ACTIVE = 'mcp_server_active_requests{mcp_method_name="tools/call"}'
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KEPT, NOT_KEPT = f"00-{TRACE}-00f067aa0ba902b7-01", f"00-{TRACE}-00f067aa0ba902b7-00"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}


def reached(service: Service, series: str, least: float) -> bool:
    """Whether a counter of the process has come so far."""
    return (service.sample(series) or 0) >= least


"""Milliseconds between two exports. Source: OpenTelemetry, "Batch Span Processor"."""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The service above as a file."""
    path = tmp_path / "steps_service.py"
    path.write_text(SERVICE)
    return path


async def call(service: Service, traceparent: str, tool: str = "rank") -> None:
    """Call a tool as a client that knows nothing of tracing, behind a proxy that does."""
    async with (
        httpx2.AsyncClient(headers={"traceparent": traceparent}, trust_env=False) as http,
        Client(streamable_http_client(service.url, http_client=http)) as client,
    ):
        await client.call_tool(tool, {"text": "a"} if tool == "rank" else {})


def names(receiver: Receiver) -> set[str]:
    """Names of the received spans."""
    return {each.name for each in receiver.spans}


async def test_spans_of_a_call_and_its_steps_reach_the_collector(start_service: StartService, script: Path) -> None:
    """OTLP specification, "OTLP/HTTP"; OpenTelemetry resource conventions, "Service"."""
    with otlp_receiver() as receiver:
        service = start_service(
            script, **{contract.ENV_OTLP_ENDPOINT: receiver.url, contract.ENV_NAMESPACE: "mcp-system", **SOON}
        )
        await call(service, KEPT)
        await eventually(lambda: {"tools/call rank", "rank passages"} <= names(receiver), within_seconds=30)
        by_name = {each.name: each for each in receiver.spans}
        assert {each.trace for each in receiver.spans} == {TRACE}
        assert by_name["tools/call rank"].parent == "00f067aa0ba902b7"
        assert by_name["rank passages"].parent == by_name["tools/call rank"].id
        resource = receiver.resources["mcp-steps"]
        assert resource["service.namespace"] == "mcp-system"
        assert resource["service.instance.id"]
        assert (service.sample(f'{contract.METRIC_SPANS_EXPORTED}{{error_type=""}}') or 0) >= 2


async def test_pending_spans_are_sent_at_exit(start_service: StartService, script: Path) -> None:
    """Requirement OBS-9: the last calls before a rolling update are traced, too."""
    with otlp_receiver() as receiver:
        service = start_service(script, **{contract.ENV_OTLP_ENDPOINT: receiver.url})
        await call(service, KEPT)
        service.signal(signal.SIGTERM)
        assert await service.exit_code(within_seconds=30) == 0
        assert "tools/call rank" in names(receiver)


async def test_pending_spans_are_sent_when_the_grace_period_ends_the_process(
    start_service: StartService, script: Path
) -> None:
    """Requirement RUN-2: a forced end is not a success, and its cause is in the traces and the log."""
    with otlp_receiver() as receiver:
        grace = {contract.ENV_GRACE_SECONDS: "3", "OTEL_BSP_SCHEDULE_DELAY": "60000"}
        service = start_service(script, **{contract.ENV_OTLP_ENDPOINT: receiver.url}, **grace)
        await call(service, KEPT)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call_in_vain, service)
            await eventually(lambda: service.sample(ACTIVE) == 1)
            service.signal(signal.SIGTERM)
            assert await service.exit_code(within_seconds=30) == FORCED_EXIT
        assert "tools/call rank" in names(receiver)
    assert service.said("the grace period of 3 s is over")


async def call_in_vain(service: Service) -> None:
    """Call a tool that never ends."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "block", "arguments": {}}}
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        with suppress(httpx2.TransportError):
            await http.post(service.url, json=body)


async def test_traces_that_the_gateway_does_not_sample_are_dropped(start_service: StartService, script: Path) -> None:
    """Requirement OBS-9: one decision per trace, whatever the ratio of this process."""
    with otlp_receiver() as receiver:
        service = start_service(
            script, **{contract.ENV_OTLP_ENDPOINT: receiver.url, contract.ENV_TRACE_RATIO: "1", **SOON}
        )
        await call(service, NOT_KEPT)
        service.signal(signal.SIGTERM)
        assert await service.exit_code(within_seconds=30) == 0
        assert receiver.spans == []


async def test_with_an_unreachable_collector_spans_are_counted_and_logged_once(
    start_service: StartService, script: Path
) -> None:
    """Requirement OBS-15: calls are unaffected; the log is not flooded; the exit is not delayed."""
    service = start_service(
        script,
        **{
            contract.ENV_OTLP_ENDPOINT: f"http://127.0.0.1:{free_port()}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2",
            **SOON,
        },
    )
    lost = f'{contract.METRIC_SPANS_EXPORTED}{{error_type="export_failed"}}'
    for number in range(3):
        await call(service, KEPT)
        await eventually(partial(reached, service, lost, 2 * number + 1), within_seconds=30)
    service.signal(signal.SIGTERM)
    assert await service.exit_code(within_seconds=30) == 0
    warnings = [line for line in service.lines() if line["level"] != "INFO"]
    assert [line["logger"] for line in warnings] == ["meshed_mcp.agents.telemetry.tracing"]
    assert "accepts no spans; calls go on" in warnings[0]["message"]


async def test_a_slow_call_has_an_exemplar_with_its_trace(start_service: StartService, script: Path) -> None:
    """OpenMetrics 1.0, "Exemplars"; Prometheus requests this format by itself."""
    service = start_service(script)
    await call(service, KEPT)
    url = f"http://127.0.0.1:{service.management_port}{contract.METRICS_PATH}"
    async with httpx2.AsyncClient(trust_env=False) as http:
        text = (await http.get(url, headers={"accept": OPEN_METRICS})).text
    lines = [line for line in text.splitlines() if f'trace_id="{TRACE}"' in line]
    assert any(line.startswith(f"{contract.METRIC_OPERATION_DURATION}_bucket") for line in lines)


async def test_every_log_line_of_a_call_has_its_trace_and_span_ids(start_service: StartService, script: Path) -> None:
    """W3C Trace Context, ids in hex; requirement OBS-9: logs and traces are connected."""
    service = start_service(script)
    await call(service, KEPT, tool="fail")
    await eventually(lambda: service.said("fail"))
    (line,) = [each for each in service.lines() if "fail" in each["message"]]
    assert line["trace_id"] == TRACE
    assert len(line["span_id"]) == 16
    assert "broken" in line["exception"]


async def test_a_log_line_of_the_web_server_has_the_same_keys(start_service: StartService, script: Path) -> None:
    """Requirement OBS-10: one schema for the product, the SDK and uvicorn."""
    service = start_service(script)
    async with httpx2.AsyncClient(trust_env=False) as http:
        response = await http.get(f"http://127.0.0.1:{service.port}/breaks")
    assert response.status_code == 500
    await eventually(lambda: len(service.lines()) > 1)
    ready, error = service.lines()
    assert set(ready) == {"timestamp", "level", "logger", "message", "service", "namespace"}
    assert (error["logger"], error["level"]) == ("uvicorn.error", "ERROR")
    assert set(error) == {*ready, "exception"}
