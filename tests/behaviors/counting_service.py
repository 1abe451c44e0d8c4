"""A service that counts the executions of each call by the token in its arguments."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations
from starlette.applications import Starlette

from meshed_mcp import contract
from meshed_mcp.agents import MCPService, Settings
from meshed_mcp.agents.http.listener import bind_socket, listening

ANNOTATED = {"read": ToolAnnotations(read_only_hint=True), "put": ToolAnnotations(idempotent_hint=True)}
UNANNOTATED = {
    "write": None,
    "add": ToolAnnotations(read_only_hint=False, idempotent_hint=False, destructive_hint=False),
}


@dataclass
class CountingService:
    """The service and its counts."""

    executions: Counter[str] = field(default_factory=Counter)
    held: anyio.Event = field(default_factory=anyio.Event)
    """Set by a test: `hold` waits for it."""

    holding: anyio.Event = field(default_factory=anyio.Event)
    """Set when `hold` has begun."""

    cancelled: anyio.Event = field(default_factory=anyio.Event)
    """Set when `hold` was cancelled."""

    def __post_init__(self) -> None:
        self.service = MCPService("mcp-counting")
        for name, annotations in {**ANNOTATED, **UNANNOTATED}.items():
            self.service.add_tool(self._count, name, annotations=annotations)
        self.service.add_tool(self._hold, "hold", annotations=ANNOTATED["read"])

    async def _count(
        self, token: str, ctx: Context[Any, Any], cut: str | None = None, times: int = 1, *, reset: bool = False
    ) -> str:
        """Count; the other arguments are for the proxy."""
        self.executions[token] += 1
        await ctx.report_progress(1, 2)
        return f"executed {token}, {cut} {times} {reset}"

    async def _hold(self, token: str, cut: str | None = None) -> str:
        """Wait until the test sets `held`."""
        self.executions[token] += 1
        self.holding.set()
        try:
            await self.held.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled.set()
            raise
        return f"held {token}, {cut}"

    def app(self, legacy: contract.Legacy = contract.Legacy.STATELESS) -> Starlette:
        """Return the application."""
        return self.service.http_app(Settings(legacy=legacy))

    @asynccontextmanager
    async def serving(self, legacy: contract.Legacy = contract.Legacy.STATELESS) -> AsyncIterator[int]:
        """Serve on loopback and yield the port."""
        listener = bind_socket("127.0.0.1", contract.ENV_PORT, 0)
        async with listening(self.app(legacy), listener):
            yield listener.getsockname()[1]
