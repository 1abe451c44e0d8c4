"""A shared SDK client: open while calls use it, with a cache of the server's tool annotations.

The SDK requires that one task opens and closes a client, but any call can open or retire it here, so a task of its own
does both.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Final

from mcp import Client, MCPError
from mcp_types import CONNECTION_CLOSED, ListToolsResult, Tool, ToolAnnotations

from meshed_mcp.agents.client.http_client import current_attempt
from meshed_mcp.agents.client.metrics import LIST, ClientMetrics

MIN_TOOLS_TTL_SECONDS: Final = 60.0
"""Minimum cache time of a tool list: a server without `ttlMs` would be listed before every call."""

MAX_PAGES: Final = 100  # pages of a tool list that are read. Source: official SDK 2.3, `_RELIST_PAGE_CAP`.
CLOSE_SECONDS: Final = 2.0  # timeout for closing: clients up to 2025-11-25 send a request that ends the session
NO_ANNOTATIONS: Final = ToolAnnotations()

logger = logging.getLogger(__name__)


class Session:
    """An SDK client that concurrent calls share. A retired session closes after its last call."""

    def __init__(self, client: Client, metrics: ClientMetrics, owner: object = None) -> None:
        self.client, self._metrics = client, metrics
        self.owner = owner
        """Caller that alone may use it; None = every caller."""

        self._users = 0
        self._retired = False
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._list_lock = asyncio.Lock()
        self._tools_valid_until = 0.0
        self._annotations: Mapping[str, ToolAnnotations] = {}

    @property
    def usable(self) -> bool:
        """Whether new calls can use it."""
        return not (self._retired or self.closed)

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._task is None or self._task.done()

    async def open(self) -> None:
        """Open the client. Raises the SDK's errors, unwrapped from exception groups."""
        # No supervisor: `_run` logs or forwards errors, and the next call opens another session.
        self._task = asyncio.create_task(self._run(), name="MCP client")
        try:
            await self._ready
        except asyncio.CancelledError:
            self._task.cancel()
            raise

    @contextmanager
    def hold_open(self) -> Iterator[Client]:
        """Keep the client open inside the block."""
        self._users += 1
        try:
            yield self.client
        finally:
            self._users -= 1
            self._close_if_idle()

    def retire(self) -> None:
        """Accept no new calls; in-flight calls finish."""
        self._retired = True
        self._close_if_idle()

    async def close(self) -> None:
        """Close it now, even with in-flight calls."""
        self._closing.set()
        if self._task is not None:
            _, late = await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def is_retriable(self, tool: str) -> bool:
        """Return whether the tool's annotations say that it is read-only or idempotent.

        Raises MCPError if the server does not respond. If it responds to `tools/list` with an error, no tool is.
        """
        async with self._list_lock:
            if monotonic() >= self._tools_valid_until:
                await self._list_tools()
        hints = self._annotations.get(tool, NO_ANNOTATIONS)
        return hints.read_only_hint is True or hints.idempotent_hint is True

    async def _list_tools(self) -> None:
        seconds, tools = MIN_TOOLS_TTL_SECONDS, list[Tool]()
        try:
            page = await self._page(None)
            seconds = max(seconds, (page.ttl_ms or 0) / 1000)
            tools += page.tools
            for _ in range(MAX_PAGES - 1):
                if page.next_cursor is None:
                    break
                page = await self._page(page.next_cursor)
                tools += page.tools
        except MCPError:
            if current_attempt().session_lost or not current_attempt().response_received:
                raise
            logger.info("the server does not list its tools; their calls are not retried")
        self._annotations = {tool.name: tool.annotations or NO_ANNOTATIONS for tool in tools}
        self._metrics.set_known_tools(self._annotations)
        self._tools_valid_until = monotonic() + seconds

    async def _page(self, cursor: str | None) -> ListToolsResult:
        with self._metrics.request(LIST) as request:
            request.result = page = await self.client.list_tools(cursor=cursor)
            return page

    def _close_if_idle(self) -> None:
        if self._retired and not self._users:
            self._closing.set()

    async def _run(self) -> None:
        try:
            async with self.client:
                self._ready.set_result(None)
                await self._closing.wait()
        except Exception as error:
            if self._ready.done():
                logger.exception("an MCP session failed; the next call opens another one")
            else:
                self._ready.set_exception(_unwrap(error))
        finally:
            if not self._ready.done():  # canceled from inside: `open` must not wait forever
                self._ready.set_exception(MCPError(CONNECTION_CLOSED, "the connection closed before it was open"))


def _unwrap(error: Exception) -> Exception:
    """Return the error inside exception groups of one."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
