"""`ServiceClient`: calls the tools of one other service, through the official client.

In: where the service is, and calls. Out: their results within the deadline, or DestinationError with one line.
A call is sent again when its connection was not opened; one of a read-only or idempotent tool also when its response
was lost.
Not here: what errors become (errors.py), the HTTP layer (connections.py), waiting times (agents/process/backoff.py),
the SDK's client (session.py).
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Final, Self

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.dispatcher import ProgressFnT
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT, CallToolResult, RequestParamsMeta
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from prometheus_client import CollectorRegistry

from meshed_mcp.agents.client.attempt import Attempt, current_attempt, observed
from meshed_mcp.agents.client.connections import ServiceConnections
from meshed_mcp.agents.client.discovery import Directory
from meshed_mcp.agents.client.errors import destination_errors, shown
from meshed_mcp.agents.client.metrics import CALL, ClientMetrics
from meshed_mcp.agents.client.session import Session
from meshed_mcp.agents.process.backoff import Backoff

PROTOCOL: Final = "2026-07-28"
"""Spoken without a handshake: a caller starts before its peers do. Source: MCP, "Versioning"."""

DEFAULT_TIMEOUT_SECONDS: Final = 60.0
"""Source: official TypeScript SDK, `DEFAULT_REQUEST_TIMEOUT_MSEC`; the Python SDK waits for ever."""

OLD: Final = frozenset(HANDSHAKE_PROTOCOL_VERSIONS)
"""Revisions with a session, up to 2025-11-25."""

DEFAULT_TRIES: Final = 3
"""Two more tries see a replica leave and the next one be found; more would only load a peer that is down."""

OPEN: Final = "server/discover"
REQUEST: Final = "a request"
"""What errors name where no tool is called."""

BACKOFF: Final = Backoff(first_seconds=0.1, last_seconds=2.0)

logger = logging.getLogger(__name__)


class ServiceClient:
    """Client of one service, an async context manager that may live as long as its process.

    `target` is a URL, or `namespace/service` (or `service` of the own namespace) in the registry of the environment.
    Nothing is sent before the first call. `mode` is the SDK's: the present protocol, or "auto" and "legacy" for servers
    up to 2025-11-25. `metrics` is where durations are counted: `service.metrics` of the service that calls.
    `options` are those of the SDK's `Client`, such as `elicitation_callback`.
    """

    def __init__(  # noqa: PLR0913 - options of a client, by keyword, each with a default
        self,
        target: str,
        *,
        mode: str = PROTOCOL,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        tries: int = DEFAULT_TRIES,
        auth: httpx2.Auth | None = None,
        environment: Mapping[str, str] = os.environ,
        metrics: CollectorRegistry | None = None,
        **options: Any,
    ) -> None:
        self._directory = Directory.of(target, environment)
        self._metrics = ClientMetrics(metrics, target)
        self._timeout_seconds = timeout_seconds
        self._tries = tries
        self._connections = ServiceConnections(auth=auth)
        self._mode = mode
        self._options = options
        self._opening = asyncio.Lock()
        self._sessions: list[Session] = []
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._exits.enter_async_context(self._connections)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.gather(*(session.close() for session in self._sessions))
        await self._exits.aclose()

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        *,
        timeout_seconds: float | None = None,
        progress_callback: ProgressFnT | None = None,
        meta: RequestParamsMeta | None = None,
    ) -> CallToolResult:
        """Call a tool; everything, also looking the service up and trying again, ends within the deadline.

        Raises DestinationError when there is no response within the deadline, or when the response is an error of the
        protocol; inside a tool it becomes the tool's `is_error` result. A failure of the called tool is a result with
        `is_error`.
        """

        async def send(client: Client) -> CallToolResult:
            return await client.call_tool(name, arguments, progress_callback=progress_callback, meta=meta)

        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        with self._errors(name):
            with anyio.move_on_after(seconds):
                return await self._call(name, send)
            raise MCPError(
                REQUEST_TIMEOUT, f"{shown(self._directory.target)} did not answer {name} within {seconds:g} s"
            )

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Open the SDK's own client for everything else; its requests have no deadline and are never sent again.

        An MCPError of a request, where the block does not handle it, leaves the block as DestinationError.
        """
        with self._errors(OPEN):
            session = await self._session()
        with session.in_use() as client, self._errors(REQUEST, MCPError):
            yield client

    def _errors(self, tool: str, kinds: type[Exception] = Exception) -> AbstractContextManager[None]:
        return destination_errors(self._directory.target, tool, self._metrics.failed, kinds)

    async def _call(self, tool: str, send: Callable[[Client], Awaitable[CallToolResult]]) -> CallToolResult:
        tried, reopened = 0, False
        while True:
            tried += 1
            try:
                return await self._once(tool, send)
            except _Failed as failed:
                wait = failed.seen.retry_after_seconds + BACKOFF.seconds(tried)
                hopeless = tried >= self._tries or (reopened and failed.seen.session_lost)
                if hopeless or not failed.repeatable or wait >= _seconds_left():
                    raise self._told(tool, failed) from None
                reopened |= failed.seen.session_lost
                logger.info("%s/%s again in %.2f s: %s", shown(self._directory.target), tool, wait, failed.error)
            await anyio.sleep(wait)

    async def _once(self, tool: str, send: Callable[[Client], Awaitable[CallToolResult]]) -> CallToolResult:
        with _preparing():
            session = await self._session()
        with session.in_use() as client:
            try:
                with _preparing():
                    may_repeat = await session.may_repeat(tool)
                with _calling(may_repeat=may_repeat), self._metrics.request(CALL, tool) as request:
                    request.result = result = await send(client)
                    return result
            except _Failed as failed:
                self._retire_if_useless(session, failed.seen)
                raise

    async def _session(self) -> Session:
        async with self._opening:
            self._sessions = [session for session in self._sessions if not session.closed]
            usable = next((session for session in self._sessions if session.usable), None)
            if usable is None:
                usable = await self._opened()
                self._sessions.append(usable)
            return usable

    async def _opened(self) -> Session:
        url = await self._directory.url()
        transport = streamable_http_client(url, http_client=self._connections)
        session = Session(Client(transport, mode=self._mode, **self._options), self._metrics)
        await session.open()
        if self._mode == "auto" and current_attempt().failed and session.client.protocol_version in OLD:
            await session.close()
            raise MCPError(CONNECTION_CLOSED, f"{shown(url)} did not answer which protocol it speaks")
        return session

    def _told(self, tool: str, failed: "_Failed") -> MCPError:
        if failed.seen.unreachable:  # a proxy's 503 too, which the SDK's error does not tell from other statuses
            return MCPError(CONNECTION_CLOSED, failed.error.message)
        if not failed.seen.session_lost:
            return failed.error
        service = shown(self._directory.target)
        text = f"{service} lost the session, and {tool} was not called again; the next call opens another"
        return MCPError(failed.error.code, text)

    def _retire_if_useless(self, session: Session, seen: Attempt) -> None:
        if seen.session_lost or (seen.unreachable and self._directory.by_name):
            session.retire()


class _Failed(Exception):  # noqa: N818 - one step of a try, never seen outside
    def __init__(self, error: MCPError, seen: Attempt, *, repeatable: bool) -> None:
        super().__init__(error)
        self.error = error
        self.seen = seen
        self.repeatable = repeatable


@contextmanager
def _preparing() -> Iterator[None]:
    """A step before the call: no tool runs, so whatever got no answer is asked again."""
    with observed() as seen:
        try:
            yield
        except MCPError as error:
            raise _Failed(error, seen, repeatable=seen.failed or not seen.answered) from error


@contextmanager
def _calling(*, may_repeat: bool) -> Iterator[None]:
    """The call itself: without a response in any of its rounds, and not sent unless a second execution is harmless."""
    with observed() as seen:
        try:
            yield
        except MCPError as error:
            raise _Failed(error, seen, repeatable=_is_repeatable(seen, may_repeat=may_repeat)) from error


def _is_repeatable(seen: Attempt, *, may_repeat: bool) -> bool:
    return not seen.answered and (may_repeat or (seen.failed and not seen.sent))


def _seconds_left() -> float:
    return anyio.current_effective_deadline() - anyio.current_time()
