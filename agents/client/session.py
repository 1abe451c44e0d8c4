"""One SDK client, open for as long as somebody uses it, and what its peer says about its tools.

In: a client of the SDK that is not open yet. Out: the same client, opened in a task of its own: the SDK wants it closed
by the task that opened it, while here any call may open or retire it.
Not here: when to open another one (service_client.py).
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Final

from mcp import Client, MCPError
from mcp_types import CONNECTION_CLOSED, ListToolsResult, Tool, ToolAnnotations

from meshed_mcp.agents.client.attempt import current_attempt
from meshed_mcp.agents.client.metrics import LIST, ClientMetrics

LISTING_SECONDS: Final = 60.0
"""How long a listing of tools counts at least: a peer that gives no `ttlMs` would be listed before every call."""

MOST_PAGES: Final = 100
"""Pages of a listing that are read. Source: official SDK 2.3, `_RELIST_PAGE_CAP`."""

CLOSE_SECONDS: Final = 2.0
"""How long saying goodbye to the peer may take: clients up to 2025-11-25 end their session by a request."""

NO_ANNOTATIONS: Final = ToolAnnotations()

logger = logging.getLogger(__name__)


class Session:
    """An open SDK client. Several calls use it at once; it closes when it is retired and the last of them has ended."""

    def __init__(self, client: Client, metrics: ClientMetrics) -> None:
        self.client = client
        self._metrics = metrics
        self._users = 0
        self._retired = False
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._listing = asyncio.Lock()
        self._listed_until = 0.0
        self._annotations: Mapping[str, ToolAnnotations] = {}

    @property
    def usable(self) -> bool:
        """Whether new calls may use it."""
        return not (self._retired or self.closed)

    @property
    def closed(self) -> bool:
        """Whether it has ended, by itself or by order."""
        return self._task is None or self._task.done()

    async def open(self) -> None:
        """Open the client. Raises what the SDK raises, out of its exception groups."""
        # No supervisor: `_hold` logs or passes on what fails, and the next call opens another session.
        self._task = asyncio.create_task(self._hold(), name="MCP client")
        try:
            await self._ready
        except asyncio.CancelledError:
            self._task.cancel()
            raise

    @contextmanager
    def in_use(self) -> Iterator[Client]:
        """Keep the client open inside the block."""
        self._users += 1
        try:
            yield self.client
        finally:
            self._users -= 1
            self._leave_if_over()

    def retire(self) -> None:
        """Give it to no new call; calls in work keep it."""
        self._retired = True
        self._leave_if_over()

    async def close(self) -> None:
        """Close it now, whoever uses it."""
        self._leave.set()
        if self._task is not None:
            _, late = await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def may_repeat(self, tool: str) -> bool:
        """Whether the peer says that the tool only reads, or that a second call changes nothing more.

        Raises MCPError when the peer does not answer; one that answers with an error has said nothing about its tools.
        """
        async with self._listing:
            if monotonic() >= self._listed_until:
                await self._list()
        hints = self._annotations.get(tool, NO_ANNOTATIONS)
        return hints.read_only_hint is True or hints.idempotent_hint is True

    async def _list(self) -> None:
        seconds, tools = LISTING_SECONDS, list[Tool]()
        try:
            page = await self._page(None)
            seconds = max(seconds, (page.ttl_ms or 0) / 1000)
            tools += page.tools
            for _ in range(MOST_PAGES - 1):
                if page.next_cursor is None:
                    break
                page = await self._page(page.next_cursor)
                tools += page.tools
        except MCPError:
            if current_attempt().session_lost or not current_attempt().answered:
                raise
            logger.info("the peer does not list its tools; no call of them is sent again")
        self._annotations = {tool.name: tool.annotations or NO_ANNOTATIONS for tool in tools}
        self._metrics.listed(self._annotations)
        self._listed_until = monotonic() + seconds

    async def _page(self, cursor: str | None) -> ListToolsResult:
        with self._metrics.request(LIST) as request:
            request.result = page = await self.client.list_tools(cursor=cursor)
            return page

    def _leave_if_over(self) -> None:
        if self._retired and not self._users:
            self._leave.set()

    async def _hold(self) -> None:
        try:
            async with self.client:
                self._ready.set_result(None)
                await self._leave.wait()
        except Exception as error:
            if self._ready.done():
                logger.exception("a connection to a peer ended; the next call opens another one")
            else:
                self._ready.set_exception(_only(error))
        finally:
            if not self._ready.done():  # cancelled from inside: without this `open` would wait for ever
                self._ready.set_exception(MCPError(CONNECTION_CLOSED, "the connection closed before it was open"))


def _only(error: Exception) -> Exception:
    """The one error inside groups of one, as task groups make them."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
