"""Unknown names cause the error that the specification names, independent of the SDK's texts."""

from typing import Any

import mcp_types
import pytest
from mcp import Client, MCPError
from mcp.server import MCPServer
from mcp.server.extension import Extension, ToolBinding
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, TextContent

from meshed_mcp.agents import MCPService

pytestmark = pytest.mark.anyio

MODES = pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])


def known() -> str:
    """Answer."""
    return "answer"


def failing(text: str) -> CallToolResult:
    """Fail in words that the SDK could have for something else."""
    return CallToolResult(content=[TextContent(text=text)], is_error=True)


@pytest.fixture
def service() -> MCPService:
    """A service with tools and a prompt."""
    made = MCPService("mcp-named")
    made.add_tool(known)
    made.add_tool(failing)
    made.add_prompt(Prompt.from_function(known))

    @made.tool()
    async def nested(name: str, ctx: Context[Any, Any]) -> str:
        return str(await ctx.mcp_server.call_tool(name, {}, ctx))

    return made


async def refusal(service: MCPService, mode: str, kind: str, name: str) -> tuple[int, str]:
    """Code and message of the error of the protocol."""
    async with Client(service, mode=mode) as client:
        with pytest.raises(MCPError) as raised:
            await (client.call_tool(name) if kind == "tool" else client.get_prompt(name))
    return raised.value.code, raised.value.message


@MODES
@pytest.mark.parametrize("kind", ["tool", "prompt"])
async def test_an_unknown_name_is_a_protocol_error(service: MCPService, mode: str, kind: str) -> None:
    """MCP 2026-07-28 and earlier, "Tools" and "Prompts", "Error Handling"."""
    expected = mcp_types.INVALID_PARAMS, f"Unknown {kind}: nothing"
    assert await refusal(service, mode, kind, "nothing") == expected


async def test_unknown_names_do_not_depend_on_the_sdks_message_text(
    monkeypatch: pytest.MonkeyPatch, service: MCPService
) -> None:
    """Requirement RUN-12: a message text of the SDK is not an interface."""

    async def other_words(*_: object) -> None:
        raise ToolError("no tool of this name")

    monkeypatch.setattr(MCPServer, "call_tool", other_words)
    assert await refusal(service, "legacy", "tool", "nothing") == (mcp_types.INVALID_PARAMS, "Unknown tool: nothing")


@MODES
async def test_a_known_tool_may_fail_with_the_same_message(service: MCPService, mode: str) -> None:
    """MCP, "Tools", "Error Handling": a failure of the tool is a result, whatever its message."""
    async with Client(service, mode=mode) as client:
        result = await client.call_tool("failing", {"text": "Unknown tool: failing"})
    assert result.is_error
    assert result.content == [TextContent(text="Unknown tool: failing")]


@MODES
async def test_a_known_tool_that_calls_an_unknown_one_is_not_unknown(service: MCPService, mode: str) -> None:
    """As above; the client named a tool that exists."""
    async with Client(service, mode=mode) as client:
        result = await client.call_tool("nested", {"name": "nothing"})
    assert result.is_error


class Dynamic(MCPService[None]):
    """Makes up its tools while it runs."""

    async def call_tool(self, name: str, *_: object) -> CallToolResult:
        """Answer by the name alone."""
        return CallToolResult(content=[TextContent(text=name)], is_error=name == "bad")


async def test_a_server_with_dynamic_tools_decides_for_itself() -> None:
    """Requirement RUN-12: no feature of the SDK is hidden."""
    async with Client(Dynamic("mcp-dynamic")) as client:
        for name in ("good", "bad"):
            result = await client.call_tool(name)
            assert (result.is_error, result.content) == (name == "bad", [TextContent(text=name)])


class More(Extension):
    """An extension of the SDK with a tool."""

    identifier = "example.com/more"

    def tools(self) -> list[ToolBinding]:
        """One tool."""
        return [ToolBinding(fn=known, kwargs={"name": "extended"})]


async def test_every_way_to_register_a_tool_makes_its_name_known() -> None:
    """SDK 2.3: constructor, extensions, `tool()`, `add_tool` and `remove_tool`."""
    service = MCPService("mcp-names", tools=[Tool.from_function(known, name="given")], extensions=[More()])
    service.tool(name="decorated")(known)
    service.add_tool(known, title="Known")
    service.add_tool(known, "removed")
    service.remove_tool("removed")
    names = {"given", "extended", "decorated", "known"}
    assert service.tool_names == names == {tool.name for tool in await service.list_tools()}
    service.prompt(name="decorated")(known)
    service.add_prompt(Prompt.from_function(known))
    service.remove_prompt("known")
    assert service.prompt_names == {"decorated"} == {prompt.name for prompt in await service.list_prompts()}
