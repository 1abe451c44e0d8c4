"""`sys.exit` in the code of a service fails one request."""

import sys

import mcp_types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from meshed_mcp.agents import MCPService

pytestmark = pytest.mark.anyio


@pytest.fixture
def service() -> MCPService:
    """A service that exits in all that it offers."""
    service = MCPService("mcp-exiting")

    @service.tool()
    async def leave() -> str:
        """Exit in the event loop."""
        sys.exit("bye")

    @service.tool()
    def leave_thread() -> str:
        """Exit in a worker thread."""
        sys.exit(3)

    @service.tool()
    async def interrupt() -> str:
        """Raise what SIGINT raises elsewhere."""
        raise KeyboardInterrupt

    @service.tool()
    async def stay() -> str:
        """Return."""
        return "here"

    @service.prompt()
    async def farewell() -> str:
        """Exit in a prompt."""
        sys.exit(3)

    return service


@pytest.mark.parametrize("tool", ["leave", "leave_thread", "interrupt"])
async def test_an_exit_in_a_tool_is_a_tool_error_with_a_log_line(
    service: MCPService, caplog: pytest.LogCaptureFixture, tool: str
) -> None:
    """MCP 2026-07-28, Tools, "Error Handling": a failure of the tool is a result with `isError`."""
    async with Client(service) as client:
        result = await client.call_tool(tool)
        assert (await client.call_tool("stay")).structured_content == {"result": "here"}
    assert result.is_error
    (content,) = result.content
    assert isinstance(content, mcp_types.TextContent)
    assert content.text.startswith("The server could not complete the request")
    (record,) = (each for each in caplog.records if each.name == "meshed_mcp.agents.protocol.error_mapping")
    assert record.exc_info is not None


async def test_an_exit_in_a_prompt_is_an_internal_error(service: MCPService) -> None:
    """JSON-RPC 2.0, section 5.1: -32603, internal error."""
    async with Client(service) as client:
        with pytest.raises(MCPError) as raised:
            await client.get_prompt("farewell")
    assert raised.value.code == mcp_types.INTERNAL_ERROR
