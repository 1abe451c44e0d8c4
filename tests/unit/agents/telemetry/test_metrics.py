"""Metrics of MCP operations, through the SDK's provisional middleware and its in-process client."""

import anyio
import mcp_types
import pytest
from mcp import Client, MCPError
from mcp.server._otel import OpenTelemetryMiddleware
from mcp.server.request_state import RequestStateBoundary
from mcp_types import CallToolResult, ErrorData, methods
from prometheus_client import CollectorRegistry, Counter, Gauge, Summary
from pydantic import BaseModel, ValidationError

from meshed_mcp import contract
from meshed_mcp.agents import MCPService, Settings
from meshed_mcp.agents.auth.current_caller import track_request
from meshed_mcp.agents.auth.tool_policy_middleware import ToolPolicyMiddleware
from meshed_mcp.agents.http.limits import LISTEN_METHOD
from meshed_mcp.agents.process.loop_watchdog import name_running_tool
from meshed_mcp.agents.protocol.error_mapping import contain_exit, specified_errors
from meshed_mcp.agents.telemetry.metrics import (
    CALL_METHOD,
    KNOWN_CODES,
    KNOWN_METHODS,
    OperationMetrics,
    exception_error,
    result_error,
)
from meshed_mcp.agents.telemetry.usage import Usage
from meshed_mcp.agents.user_credentials.elicitation import ask_for_credentials

pytestmark = pytest.mark.anyio


def calls(service: MCPService, method: str = CALL_METHOD, tool: str = "", error: str = "") -> float | None:
    """Operations counted so far, of all protocol versions; None when no such series exists."""
    wanted = {contract.LABEL_METHOD: method, contract.LABEL_TOOL: tool, contract.LABEL_ERROR: error}
    found = [
        sample.value
        for metric in service.metrics.collect()
        for sample in metric.samples
        if sample.name == f"{contract.METRIC_OPERATION_DURATION}_count" and wanted.items() <= sample.labels.items()
    ]
    return sum(found) if found else None


def in_work(service: MCPService) -> float | None:
    """Return the number of in-flight calls."""
    return service.metrics.get_sample_value(contract.METRIC_ACTIVE_REQUESTS, {contract.LABEL_METHOD: CALL_METHOD})


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_each_call_is_observed_with_its_tool_and_its_error(mode: str) -> None:
    """OpenTelemetry MCP conventions, `error.type`: `tool_error` for isError, else the JSON-RPC code."""
    service = MCPService("mcp-test")

    @service.tool()
    def fail() -> None:
        raise ValueError

    @service.tool()
    def refuse() -> None:
        raise MCPError(mcp_types.INVALID_PARAMS, "no")

    async with Client(service, mode=mode) as client:
        await client.call_tool("fail")
        with pytest.raises(MCPError):
            await client.call_tool("refuse")
        with pytest.raises(MCPError):
            await client.call_tool("not-there")
        with pytest.raises(MCPError):
            await client.read_resource("nothing://here")
    assert calls(service, tool="fail", error="tool_error") == 1
    assert calls(service, tool="refuse", error="-32602") == 1
    assert calls(service, tool="_OTHER", error="-32602") == 1
    assert calls(service, "resources/read", error="-32602") == 1
    assert in_work(service) == 0


async def test_an_in_flight_call_is_counted_and_the_gauge_starts_at_zero() -> None:
    """Requirement SCL-11: the autoscaler reads this gauge; a missing series would hold the last replica count."""
    service = MCPService("mcp-test")
    seen = []

    @service.tool()
    def look() -> None:
        seen.append(in_work(service))

    assert in_work(service) == 0
    async with Client(service) as client:
        await client.call_tool("look")
    assert seen == [1]
    assert in_work(service) == 0


async def test_an_open_listen_stream_is_neither_in_flight_nor_timed() -> None:
    """Requirement SCL-1: a stream that is open for hours is no load and holds no replicas."""
    service = MCPService("mcp-test")
    service.http_app(Settings())
    async with Client(service) as client, client.listen(tools_list_changed=True) as subscription:
        active = service.metrics.get_sample_value(
            contract.METRIC_ACTIVE_REQUESTS, {contract.LABEL_METHOD: LISTEN_METHOD}
        )
        assert active is None
        service.end_streams()
        with anyio.fail_after(5):
            assert [event async for event in subscription] == []
    assert calls(service, LISTEN_METHOD) is None


async def test_a_cancelled_call_is_observed_as_cancelled() -> None:
    """Requirement OBS-1: a disconnected client is counted, and its call leaves the gauge."""
    service = MCPService("mcp-test")
    running = anyio.Event()

    @service.tool()
    async def hang() -> None:
        running.set()
        await anyio.sleep_forever()

    async with Client(service) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.call_tool, "hang")
        await running.wait()
        tasks.cancel_scope.cancel()
    assert calls(service, tool="hang", error="cancelled") == 1
    assert in_work(service) == 0


def test_the_sdks_middleware_order_is_as_expected() -> None:
    """SDK 2.3 marks `Server.middleware` provisional: tracing, the product's, then the request-state boundary."""

    async def users(ctx: object, call_next: object) -> None: ...

    service = MCPService("mcp-test", middleware=[users])
    tracing, tracker, *others = service.middleware
    assert (type(tracing), tracker) == (OpenTelemetryMiddleware, track_request)
    assert [type(one) for one in others[:4]] == [OperationMetrics, ToolPolicyMiddleware, Usage, RequestStateBoundary]
    assert others[4:] == [users, specified_errors, contain_exit, name_running_tool, ask_for_credentials]


def test_known_methods_are_those_of_the_specification() -> None:
    """SDK 2.3, `mcp_types.methods`: provisional names that this module relies on."""
    assert {CALL_METHOD, LISTEN_METHOD, "initialize", "notifications/initialized", "server/discover"} <= KNOWN_METHODS
    assert KNOWN_METHODS.isdisjoint(methods.SERVER_REQUESTS)


def test_only_error_codes_that_the_sdk_names_are_labels() -> None:
    """Requirement OBS-2: a tool may raise any number; only codes of the specification become label values."""
    named = {getattr(mcp_types, name) for name in mcp_types.jsonrpc.__all__ if name.isupper()} - {"2.0"}
    assert named | {contract.FORBIDDEN} == KNOWN_CODES
    assert exception_error(MCPError(-31999, "own code")) == "_OTHER"


def test_errors_are_labeled_as_the_client_sees_them() -> None:
    """JSON-RPC 2.0, section 5.1; SDK 2.3 turns a ValidationError of parameters into -32602."""

    class Parameters(BaseModel):
        name: str

    with pytest.raises(ValidationError) as invalid:
        Parameters.model_validate({})
    assert exception_error(invalid.value) == "-32602"
    assert exception_error(RuntimeError()) == "-32603"
    assert exception_error(MCPError.from_error_data(ErrorData(code=-32601, message=""))) == "-32601"
    assert result_error(CallToolResult(content=[], is_error=True)) == "tool_error"
    assert result_error({"isError": True}) == "tool_error"
    assert result_error(CallToolResult(content=[])) == ""
    assert result_error(None) == ""


def test_created_series_are_omitted_in_the_products_registry_only() -> None:
    """OpenMetrics 1.0: `_created` is optional; the user's own registries are unchanged."""
    service, own = MCPService("mcp-test"), CollectorRegistry()
    for registry in (service.metrics, own):
        Counter("things", "Things.", registry=registry).inc()
        Summary("sizes", "Sizes.", registry=registry).observe(1)
        Gauge("time_created", "A name that ends like one.", registry=registry).set(1)

    def created(registry: CollectorRegistry) -> set[str]:
        names = {sample.name for metric in registry.collect() for sample in metric.samples}
        return {name for name in names if name.endswith("_created")}

    assert created(service.metrics) == {"time_created"}
    assert created(own) == {"time_created", "things_created", "sizes_created"}
    assert service.metrics.get_sample_value("things_total") == 1
