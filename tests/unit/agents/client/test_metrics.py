"""Client metrics against a server in this process."""

import anyio
import pytest
from mcp import MCPError
from mcp_types import REQUEST_TIMEOUT, CallToolResult
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents import MCPService
from meshed_mcp.agents.client.metrics import ClientMetrics, peer_address
from meshed_mcp.agents.telemetry.instruments import label_overflow

pytestmark = pytest.mark.anyio

URL = "http://mcp-rag:8000/mcp"


def measured(registry: CollectorRegistry) -> set[tuple[str, str, str, str]]:
    """Method, tool, error and peer of every series."""
    labels = (contract.LABEL_METHOD, contract.LABEL_TOOL, contract.LABEL_ERROR, contract.LABEL_ADDRESS)
    return {
        (sample.labels[labels[0]], sample.labels[labels[1]], sample.labels[labels[2]], sample.labels[labels[3]])
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == f"{contract.METRIC_CLIENT_DURATION}_count" and sample.value
    }


def call(metrics: ClientMetrics, *, tool: str = "search", failed: bool = False) -> None:
    """One call of a tool that answers."""
    with metrics.request("tools/call", tool) as request:
        request.result = CallToolResult(content=[], is_error=failed)


@pytest.mark.parametrize(("failed", "error"), [(False, ""), (True, "tool_error")])
async def test_a_result_is_measured_and_is_error_counts_as_failure(*, failed: bool, error: str) -> None:
    """OpenTelemetry MCP conventions, `mcp.client.operation.duration`: error.type is tool_error for isError."""
    metrics = ClientMetrics(registry := CollectorRegistry(), URL)
    metrics.set_known_tools(["search"])
    call(metrics, failed=failed)
    assert measured(registry) == {("tools/call", "search", error, "mcp-rag")}


@pytest.mark.parametrize(("code", "error"), [(REQUEST_TIMEOUT, str(REQUEST_TIMEOUT)), (4711, "_OTHER")])
async def test_an_error_is_measured_by_its_json_rpc_code(code: int, error: str) -> None:
    """OpenTelemetry MCP conventions: error.type is the JSON-RPC code; a peer's own codes add no series."""
    metrics = ClientMetrics(registry := CollectorRegistry(), URL)
    with pytest.raises(MCPError), metrics.request("tools/list"):
        raise MCPError(code, "no")
    assert measured(registry) == {("tools/list", "", error, "mcp-rag")}


async def test_a_deadline_is_a_timeout_and_a_cancellation_is_not() -> None:
    """Requirement RUN-17: only a deadline says something about the peer."""
    metrics = ClientMetrics(registry := CollectorRegistry(), URL)
    with anyio.move_on_after(0.01), metrics.request("tools/list"):
        await anyio.sleep_forever()
    with anyio.CancelScope() as left, metrics.request("tools/list"):
        left.cancel()
        await anyio.sleep_forever()
    assert {error for _, _, error, _ in measured(registry)} == {str(REQUEST_TIMEOUT), "cancelled"}


async def test_a_tool_that_the_peer_does_not_list_is_not_a_label() -> None:
    """Requirement OBS-2: names that a model invents add no series, and are counted."""
    metrics = ClientMetrics(registry := CollectorRegistry(), URL)
    call(metrics, tool="invented")
    assert measured(registry) == {("tools/call", "_OTHER", "", "mcp-rag")}
    labels = {"metric": contract.METRIC_CLIENT_DURATION, "label": contract.LABEL_TOOL}
    assert registry.get_sample_value(contract.METRIC_LABEL_OVERFLOW, labels) == 1


async def test_clients_and_the_server_of_a_process_share_one_registry() -> None:
    """Requirement OBS-1: a service's `/metrics` shows its calls to peers."""
    service = MCPService("mcp-test")
    for peer in (URL, "mcp-system/mcp-llm"):
        metrics = ClientMetrics(service.metrics, peer)
        metrics.set_known_tools(["search"])
        call(metrics)
    assert {peer for _, _, _, peer in measured(service.metrics)} == {"mcp-rag", "mcp-system/mcp-llm"}
    assert label_overflow(service.metrics) is label_overflow(service.metrics)


@pytest.mark.parametrize(
    ("target", "wanted"),
    [(URL, "mcp-rag"), ("http://[::1]:8000/mcp", "::1"), ("mcp-system/mcp-rag", "mcp-system/mcp-rag")],
)
async def test_a_peer_is_named_without_port_user_or_path(target: str, wanted: str) -> None:
    """OpenTelemetry, `server.address`: a domain name or address."""
    assert peer_address(target) == wanted
