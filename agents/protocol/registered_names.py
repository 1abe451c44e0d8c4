"""`MCPServer` that tracks the names of its tools and prompts, because the SDK's tables are private."""

from collections.abc import Callable
from typing import Any

from mcp.server import MCPServer
from mcp.server.lowlevel.server import LifespanResultT
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts import Prompt
from mcp_types import CallToolResult, GetPromptResult, InputRequiredResult

from meshed_mcp.agents.protocol.error_mapping import note_unknown


class NameTrackingServer(MCPServer[LifespanResultT]):
    """An `MCPServer` that knows its registered names and records requests for others; results are the SDK's."""

    def __init__(self, name: str | None = None, *args: Any, **options: Any) -> None:
        self.tool_names: set[str] = {tool.name for tool in options.get("tools") or ()}
        self.prompt_names: set[str] = set()
        super().__init__(name, *args, **options)

    def add_tool(self, fn: Callable[..., Any], name: str | None = None, *args: Any, **options: Any) -> None:
        """Same as the SDK's; `tool()` and extensions call it."""
        super().add_tool(fn, name, *args, **options)
        self.tool_names.add(name or fn.__name__)

    def remove_tool(self, name: str) -> None:
        """Same as the SDK's."""
        super().remove_tool(name)
        self.tool_names.discard(name)

    def add_prompt(self, prompt: Prompt) -> None:
        """Same as the SDK's; `prompt()` calls it."""
        super().add_prompt(prompt)
        self.prompt_names.add(prompt.name)

    def remove_prompt(self, name: str) -> None:
        """Same as the SDK's."""
        super().remove_prompt(name)
        self.prompt_names.discard(name)

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[LifespanResultT, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Same as the SDK's."""
        if name not in self.tool_names:
            note_unknown(name)
        return await super().call_tool(name, arguments, context)

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[LifespanResultT, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Same as the SDK's."""
        if name not in self.prompt_names:
            note_unknown(name)
        return await super().get_prompt(name, arguments, context)
