"""`ServiceClient`: calls the tools of one other service through the official client.

A call is retried if its connection was not opened. A call of a read-only or idempotent tool is also retried if its
response was lost.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, Final, Self

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.dispatcher import ProgressFnT
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT, CallToolResult, RequestParamsMeta
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from prometheus_client import CollectorRegistry

from meshed_mcp.agents.auth.current_caller import current_caller
from meshed_mcp.agents.client.credentials import outbound_auth
from meshed_mcp.agents.client.discovery import EndpointResolver
from meshed_mcp.agents.client.errors import destination_errors, redacted
from meshed_mcp.agents.client.http_client import Attempt, ServiceHTTPClient, current_attempt, track_attempt
from meshed_mcp.agents.client.metrics import CALL, ClientMetrics
from meshed_mcp.agents.client.session import Session
from meshed_mcp.agents.process.supervision import Backoff

PROTOCOL: Final = "2026-07-28"
"""Needs no handshake, so a client can start before its servers. Source: MCP, "Versioning"."""

DEFAULT_TIMEOUT_SECONDS: Final = 60.0
"""Source: official TypeScript SDK, `DEFAULT_REQUEST_TIMEOUT_MSEC`; the Python SDK has no timeout."""

SESSION_PROTOCOLS: Final = frozenset(HANDSHAKE_PROTOCOL_VERSIONS)  # revisions with sessions, up to 2025-11-25
MAX_SESSIONS: Final = 100
"""Sessions of callers that are kept open; the caller that called least recently loses its session."""

DEFAULT_ATTEMPTS: Final = 3  # two retries cover the replacement of a replica; more only load a server that is down
OPEN: Final = "server/discover"
REQUEST: Final = "a request"  # names in errors of requests that call no tool
BACKOFF: Final = Backoff(first_seconds=0.1, last_seconds=2.0)

logger = logging.getLogger(__name__)


class ServiceClient:
    """Client of one service: an async context manager that can live as long as its process.

    `target` is a URL, or `namespace/service` (or `service` of the own namespace) in the registry of the environment.
    It connects at the first call. `mode` is the SDK's: PROTOCOL, or "auto" or "legacy" for servers up to 2025-11-25.
    `max_attempts` is the maximum number of attempts per call. `auth` replaces what the stack sets in `calls` for the
    destination. `metrics` is the registry for client metrics, such as
    `service.metrics`. `options` are options of the SDK's `Client`, such as `elicitation_callback`.
    """

    def __init__(  # noqa: PLR0913 - options of a client, by keyword, each with a default
        self,
        target: str,
        *,
        mode: str = PROTOCOL,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        max_attempts: int = DEFAULT_ATTEMPTS,
        auth: httpx2.Auth | None = None,
        environment: Mapping[str, str] = os.environ,
        metrics: CollectorRegistry | None = None,
        **options: Any,
    ) -> None:
        self._resolver = EndpointResolver.from_target(target, environment)
        self._metrics = ClientMetrics(metrics, target)
        self._timeout_seconds, self._max_attempts = timeout_seconds, max_attempts
        self._credentials = outbound_auth(target, environment) if auth is None else None
        self._http = ServiceHTTPClient(auth=auth or self._credentials)
        self._mode, self._options = mode, options
        self._open_lock = asyncio.Lock()
        self._sessions: list[Session] = []
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._exits.enter_async_context(self._http)
        if self._credentials is not None:
            self._exits.push_async_callback(self._credentials.aclose)
        return self

    async def __aexit__(self, *_: object) -> None:
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
        """Call a tool. The deadline includes discovery and retries.

        Raises DestinationError for a missed deadline or a protocol error; inside a tool it becomes the tool's
        `is_error` result. A failure of the called tool is a result with `is_error`.
        """

        async def send(client: Client) -> CallToolResult:
            return await client.call_tool(name, arguments, progress_callback=progress_callback, meta=meta)

        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        with self._errors(name):
            with anyio.move_on_after(seconds):
                return await self._call(name, send)
            service = redacted(self._resolver.target)
            raise MCPError(REQUEST_TIMEOUT, f"{service} did not respond to {name} within {seconds:g} s")

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Open the SDK's client for other requests, without deadline and retries.

        An MCPError that the block does not handle becomes a DestinationError.
        """
        with self._errors(OPEN):
            session = await self._session()
        with session.hold_open() as client, self._errors(REQUEST, MCPError):
            yield client

    def _errors(self, tool: str, kinds: type[Exception] = Exception) -> AbstractContextManager[None]:
        return destination_errors(self._resolver.target, tool, self._metrics.count_failure, kinds)

    async def _call(self, tool: str, send: Callable[[Client], Awaitable[CallToolResult]]) -> CallToolResult:
        attempts, reopened = 0, False
        while True:
            attempts += 1
            try:
                return await self._attempt(tool, send)
            except _AttemptError as failed:
                wait = failed.seen.retry_after_seconds + BACKOFF.seconds(attempts)
                final = attempts >= self._max_attempts or (reopened and failed.seen.session_lost)
                if final or not failed.retriable or wait >= _seconds_left():
                    raise self._final_error(tool, failed) from None
                reopened |= failed.seen.session_lost
                logger.info("retrying %s/%s in %.2f s: %s", redacted(self._resolver.target), tool, wait, failed.error)
            await anyio.sleep(wait)

    async def _attempt(self, tool: str, send: Callable[[Client], Awaitable[CallToolResult]]) -> CallToolResult:
        with _attempt_errors(_before_call):
            session = await self._session()
        with session.hold_open() as client:
            try:
                with _attempt_errors(_before_call):
                    retriable = _idempotent_call if await session.is_retriable(tool) else _unsent_call
                with _attempt_errors(retriable), self._metrics.request(CALL, tool) as request:
                    request.result = result = await send(client)
                    return result
            except _AttemptError as failed:
                self._retire_if_lost(session, failed.seen)
                raise

    async def _session(self) -> Session:
        async with self._open_lock:
            self._sessions = [session for session in self._sessions if not session.closed]
            owner = self._owner()
            usable = next((session for session in self._sessions if session.usable and session.owner == owner), None)
            if usable is None:
                usable = await self._open(owner)
                self._sessions.append(usable)
                self._retire_oldest()
            elif owner is not None:
                self._sessions.remove(usable)
                self._sessions.append(usable)
            return usable

    def _retire_oldest(self) -> None:
        """Keep at most MAX_SESSIONS open; a retired one stays in the list until its last call has ended."""
        usable = [session for session in self._sessions if session.usable]
        if len(usable) > MAX_SESSIONS:
            usable[0].retire()

    def _owner(self) -> object:
        """The caller whose token opens a session, in modes with sessions; None where all callers share one."""
        if self._mode == PROTOCOL or self._credentials is None or not self._credentials.needs_caller:
            return None
        return current_caller().subject

    async def _open(self, owner: object) -> Session:
        url = await self._resolver.url()
        transport = streamable_http_client(url, http_client=self._http)
        session = Session(Client(transport, mode=self._mode, **self._options), self._metrics, owner)
        await session.open()
        if self._mode == "auto" and current_attempt().failed and session.client.protocol_version in SESSION_PROTOCOLS:
            await session.close()
            raise MCPError(CONNECTION_CLOSED, f"{redacted(url)} did not respond to the protocol discovery")
        return session

    def _final_error(self, tool: str, failed: "_AttemptError") -> MCPError:
        if failed.seen.unreachable:  # includes a proxy's 503, which the SDK's error does not distinguish
            return MCPError(CONNECTION_CLOSED, failed.error.message)
        if not failed.seen.session_lost:
            return failed.error
        service = redacted(self._resolver.target)
        text = f"{service} lost the session, and the call of {tool} was not retried; the next call opens another"
        return MCPError(failed.error.code, text)

    def _retire_if_lost(self, session: Session, seen: Attempt) -> None:
        if seen.session_lost or (seen.unreachable and self._resolver.is_dynamic):
            session.retire()


class _AttemptError(Exception):
    def __init__(self, error: MCPError, seen: Attempt, *, retriable: bool) -> None:
        super().__init__(error)
        self.error, self.seen, self.retriable = error, seen, retriable


@contextmanager
def _attempt_errors(is_retriable: Callable[[Attempt], bool]) -> Iterator[None]:
    with track_attempt() as seen:
        try:
            yield
        except MCPError as error:
            raise _AttemptError(error, seen, retriable=is_retriable(seen)) from error


def _before_call(seen: Attempt) -> bool:
    """Return whether a step before the call is retriable: no tool has run."""
    return seen.failed or not seen.response_received


def _idempotent_call(seen: Attempt) -> bool:
    """Return whether a call that can run twice is retriable."""
    return not seen.response_received


def _unsent_call(seen: Attempt) -> bool:
    """Return whether any other call is retriable: no server has received it."""
    return not seen.response_received and seen.failed and not seen.sent


def _seconds_left() -> float:
    return anyio.current_effective_deadline() - anyio.current_time()
