"""One call through a gateway, three sidecars and two servers: all spans are in one trace."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from meshed_mcp import contract
from meshed_mcp.agents.telemetry.propagation import inject_trace_context
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import running
from meshed_mcp.local.translate.envoy.telemetry import Collector
from meshed_mcp.local.translate.stack import read_stack
from tests.engines.local_stack import HOST, NAMESPACE, arguments
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for
from tests.otlp_receiver import ReceivedSpan, Receiver, otlp_receiver

CLIENT, CONTROLLER, RAG = "test-client", "mcp-controller", "mcp-rag"
GATEWAY = "istio-ingress.istio-ingress"
NOTE = {"title": "Traces", "text": "A trace has spans."}
IN_CLUSTER = "http://jaeger.monitoring.svc.cluster.local:4318"


def rendered(percent: float) -> list[Manifest]:
    """Controller and rag as in the dev stack; the gateway keeps `percent` of the traces."""
    tracing = {"service": "jaeger.monitoring.svc.cluster.local", "sampling_percent": percent}
    mesh = ServiceMeshArgs.model_validate({"domain": HOST, "namespaces": [NAMESPACE], "tracing": tracing})
    return [
        *cluster.mesh_manifests(mesh),
        *service.service_manifests(CONTROLLER, server("controller", expose=True)),
        *service.service_manifests(RAG, server("rag", callers=[CONTROLLER])),
    ]


def server(module: str, **more: Any) -> Any:
    """Arguments of one service of ours; in the cluster it would send its spans to Jaeger."""
    command = ["python", "-m", f"meshed_mcp.agents.services.{module}"]
    return arguments(command=command, replicas=1, otlp_endpoint=IN_CLUSTER, **more)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A collector, which the official client of this process sends its spans to as well."""
    with otlp_receiver() as receiver:
        provider = TracerProvider(resource=Resource({"service.name": CLIENT}), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{receiver.url}/v1/traces")))
        monkeypatch.setattr("mcp.shared._otel._tracer", provider.get_tracer("test"))
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        yield receiver
        provider.shutdown()


async def remember(url: str) -> None:
    """Have the controller keep a text, which it does by calling rag."""
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=60, event_hooks={"request": [inject_trace_context]}) as http,
        Client(streamable_http_client(url, http_client=http), mode="2026-07-28") as client,
    ):
        result = await client.call_tool("remember", NOTE)
        assert not result.is_error, result.content


def trace_of_the_call(receiver: Receiver) -> list[ReceivedSpan]:
    """Spans of the trace in which the client called the tool."""
    traces = [each.trace for each in receiver.spans if each.name == "MCP send tools/call remember"]
    return receiver.of(traces[0]) if traces else []


def called(receiver: Receiver, state: Path, percent: float, seen: Callable[[], bool]) -> None:
    """Run the stack, have the controller called through the gateway, wait until `seen`, stop everything."""
    collector = Collector.from_environment({contract.ENV_OTLP_ENDPOINT: receiver.url})
    port = free_port()
    folders = RunFolders(state / "state", state / "secrets")
    with running(read_stack(rendered(percent)), port, folders, lambda _: None, collector):
        anyio.run(remember, f"http://127.0.0.1:{port}/{CONTROLLER}/mcp")
        wait_for(seen, "the spans of the call")


def test_a_call_through_two_servers_and_their_proxies_is_one_trace(receiver: Receiver, tmp_path: Path) -> None:
    """Requirement OBS-9: header and `_meta` carry one context; without the header the proxies' traces are separate."""
    on_the_way = {CLIENT, GATEWAY, f"{CONTROLLER}.{NAMESPACE}", CONTROLLER, f"{RAG}.{NAMESPACE}", RAG}

    def all_seen() -> bool:
        spans = trace_of_the_call(receiver)
        return {each.service for each in spans} == on_the_way and not orphans(spans)[1:]

    called(receiver, tmp_path, 100, all_seen)
    spans = trace_of_the_call(receiver)
    (root,) = orphans(spans)
    assert root.service == CLIENT
    by_id = {each.id: each for each in spans}
    for name, caller in ((CONTROLLER, CLIENT), (RAG, CONTROLLER)):
        (got,) = [each for each in spans if each.service == name and each.name.startswith("tools/call")]
        assert by_id[got.parent].service == caller
        assert [by_id[link].service for link in got.links] == [f"{name}.{NAMESPACE}"]


def test_a_trace_that_the_gateway_does_not_sample_is_sampled_nowhere(receiver: Receiver, tmp_path: Path) -> None:
    """Requirement OBS-9: one sampling decision, although the client's `_meta` has the sampled flag."""
    called(receiver, tmp_path, 0, lambda: bool(trace_of_the_call(receiver)))
    assert {each.service for each in receiver.spans} == {CLIENT}


def orphans(spans: list[ReceivedSpan]) -> list[ReceivedSpan]:
    """Spans whose parent is not among them, the root included."""
    known = {each.id for each in spans}
    return [each for each in spans if each.parent not in known]
