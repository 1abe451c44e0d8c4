"""One connection to the upstream: handshake, requests, and what the upstream sends by itself.

A task of its own opens and closes it, because the SDK's transports require one task for both, and any call may open it.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from itertools import count
from typing import Any, Final, Protocol

import anyio
import mcp_types
from anyio.abc import TaskStatus
from mcp.shared.dispatcher import CallOptions, DispatchContext
from mcp.shared.exceptions import MCPError
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.subscriptions import LISTEN_STREAM_METHODS, SUBSCRIPTION_ID_META_KEY
from mcp.shared.transport_context import TransportContext

from meshed_mcp.agents.auth.current_caller import context_of_request
from meshed_mcp.agents.bridge.connector import Connector, Link
from meshed_mcp.agents.bridge.errors import UpstreamError, innermost
from meshed_mcp.agents.bridge.metrics import ENDED, NOT_OPENED, UNAUTHENTICATED, UNREACHABLE
from meshed_mcp.agents.bridge.negotiation import Facts, Identity, WrongEraError, negotiate
from meshed_mcp.agents.client.http_client import Attempt, track_attempt

OPEN_SECONDS: Final = 60.0
"""Timeout of the start and the handshake of one connection: a package's first start may download it."""

CLOSE_SECONDS: Final = 6.0  # longest close of one connection: STDIN_SECONDS and three times TERM_SECONDS of process.py

Params = Mapping[str, Any] | None
Receive = Callable[[str, Params], Awaitable[None]]

logger = logging.getLogger(__name__)


class Caller(Protocol):
    """A call in flight, or the client of a session: where messages of the upstream go."""

    async def ask(self, method: str, params: Params) -> dict[str, Any]:
        """Return the client's result of a server-initiated request. Raises MCPError."""

    async def notify(self, method: str, params: Params) -> None:
        """Pass a notification on."""


class SessionLostError(Exception):
    """The upstream does not know its session any more, so it did nothing: another session may repeat the request."""


class Upstream:
    """One connection; concurrent calls may share it. `known` facts make the handshake unnecessary."""

    def __init__(
        self, connector: Connector, session: str, identity: Identity, *, modern: bool, known: Facts | None = None
    ) -> None:
        self.session = session
        self.owner: Caller | None = None
        """The client of a session, which gets what belongs to no single call."""
        self.calls: list[Caller] = []
        self.streams: dict[str, Receive] = {}
        """Open `subscriptions/listen` requests by id."""
        self.listeners: list[Receive] = []
        """Receivers of change notifications up to 2025-11-25."""
        self.subscribed: Counter[str] = Counter()
        """Listeners by URI of a resource, for subscriptions up to 2025-11-25."""
        self.on_change: Callable[[str], None] = lambda _: None
        self.facts: Facts | None = None
        self._known = known
        self._connector, self._identity, self._modern = connector, identity, modern
        self._dispatcher: JSONRPCDispatcher[TransportContext] | None = None
        self._link: Link | None = None
        self._opened: asyncio.Future[Facts] = asyncio.get_running_loop().create_future()
        self._opened.add_done_callback(lambda future: future.cancelled() or future.exception())  # may have no waiter
        self._closing = asyncio.Event()
        # No supervisor: `_run` reports to `opened`, and the pool opens another connection for the next call. A context
        # of its own, because the connection outlives the call that opens it.
        context = context_of_request() if connector.needs_caller else Context()
        self._task = asyncio.create_task(self._run(), name=f"upstream {session}", context=context)

    @property
    def is_usable(self) -> bool:
        """Whether new calls can use it."""
        return not (self._closing.is_set() or self._task.done())

    @property
    def is_closed(self) -> bool:
        """Whether nothing of it is left."""
        return self._task.done()

    async def opened(self) -> Facts:
        """Wait for the handshake. Raises UpstreamError, MCPError, WrongEraError."""
        return await asyncio.shield(self._opened)

    async def request(self, method: str, params: Params, options: CallOptions) -> dict[str, Any]:
        """Send a request and return its raw result. Raises MCPError as the upstream sent it, or UpstreamError."""
        await self.opened()
        if self._dispatcher is None:
            raise self._ended()
        with track_attempt() as attempt:
            try:
                return await self._dispatcher.send_raw_request(method, params, options)
            except MCPError as error:
                _raise_without_token(attempt)
                if attempt.session_lost:
                    self.retire()
                    raise SessionLostError from None
                if error.code == mcp_types.CONNECTION_CLOSED and attempt.failed:
                    raise UpstreamError(UNREACHABLE, f"The upstream cannot be reached: {error.message}.") from None
                if error.code == mcp_types.CONNECTION_CLOSED and self._has_ended:
                    raise self._ended() from None
                raise

    async def notify(self, method: str, params: Params, headers: dict[str, str]) -> None:
        """Send a notification; dropped if the connection is closed."""
        if self._dispatcher is not None:
            await self._dispatcher.notify(method, params, {"headers": headers})

    async def ended(self) -> None:
        """Wait until it takes no new calls."""
        await self._closing.wait()

    @property
    def _has_ended(self) -> bool:
        return not self.is_usable or (self._link is not None and self._link.has_ended)

    def retire(self) -> None:
        """Begin to close it."""
        self._closing.set()

    async def closed(self) -> None:
        """Close it and wait for its end, at most CLOSE_SECONDS."""
        self.retire()
        _, late = await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)
        if late:
            logger.warning("the upstream connection %s does not close within %g s", self.session, CLOSE_SECONDS)
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)

    async def _run(self) -> None:
        try:
            async with self._connector.connect(self.session) as link:
                self._link = link
                async with anyio.create_task_group() as tasks:
                    await self._serve(link, tasks)
                    tasks.cancel_scope.cancel()
        except Exception as error:  # noqa: BLE001 - reported to the callers, who get one line
            self._fail(innermost(error))
        finally:
            self._closing.set()
            if not self._opened.done():
                self._opened.set_exception(self._ended())

    async def _serve(self, link: Link, tasks: anyio.abc.TaskGroup) -> None:
        dispatcher: JSONRPCDispatcher[TransportContext] = JSONRPCDispatcher(link.read, link.write)
        await tasks.start(self._pump, dispatcher)
        self._dispatcher = dispatcher
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                self.facts = self._known or await self._negotiated(dispatcher)
        except TimeoutError:
            text = f"The upstream did not complete the handshake within {OPEN_SECONDS:g} s."
            raise UpstreamError(NOT_OPENED, text) from None
        except MCPError as error:
            if isinstance(error, UpstreamError) or error.code != mcp_types.CONNECTION_CLOSED:
                raise
            reason = NOT_OPENED if self._connector.has_processes else UNREACHABLE
            raise UpstreamError(reason, self._ending(error)) from None
        self._opened.set_result(self.facts)
        await self._closing.wait()

    async def _negotiated(self, dispatcher: JSONRPCDispatcher[TransportContext]) -> Facts:
        with track_attempt() as attempt:
            try:
                return await negotiate(dispatcher, self._identity, modern=self._modern)
            except (MCPError, WrongEraError):
                _raise_without_token(attempt)
                raise

    async def _pump(
        self,
        dispatcher: JSONRPCDispatcher[TransportContext],
        *,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        try:
            await dispatcher.run(self._on_request, self._on_notify, task_status=task_status)
        finally:
            self._closing.set()

    def _fail(self, error: BaseException) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)
        else:
            logger.warning("the upstream connection %s failed: %s: %s", self.session, type(error).__name__, error)

    def _ended(self) -> UpstreamError:
        return UpstreamError(ENDED, f"The upstream {self._reason()} during the call, which may have taken effect.")

    def _ending(self, error: MCPError) -> str:
        """Text for a connection that closed in the handshake; HTTP's own text names the failure."""
        text = f"The upstream {self._reason()} before it completed the handshake."
        return text if self._connector.has_processes else f"The upstream cannot be reached: {error.message}."

    def _reason(self) -> str:
        return "closed the connection" if self._link is None else self._link.ending()

    async def _on_request(self, _: DispatchContext[TransportContext], method: str, params: Params) -> dict[str, Any]:
        """Pass a server-initiated request to the client that it concerns. Raises MCPError."""
        if method == "ping":
            return {}
        caller = self._caller()
        if caller is None:
            text = f"{method} cannot be assigned to one of {len(self.calls)} calls in flight; use a session per client"
            raise MCPError(code=mcp_types.INVALID_REQUEST, message=text)
        return await caller.ask(method, params)

    async def _on_notify(self, _: DispatchContext[TransportContext], method: str, params: Params) -> None:
        if method in ("notifications/cancelled", "notifications/progress"):
            return  # the dispatcher has applied it
        meta = (params or {}).get("_meta")
        stream = meta.get(SUBSCRIPTION_ID_META_KEY) if isinstance(meta, Mapping) else None
        if isinstance(stream, str) and stream in self.streams:
            await self.streams[stream](method, params)
        elif method in LISTEN_STREAM_METHODS:
            await self._pass_change(method, params)
        elif (caller := self._caller()) is not None:
            await caller.notify(method, params)

    async def _pass_change(self, method: str, params: Params) -> None:
        self.on_change(method)
        for listener in tuple(self.listeners):
            with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
                await listener(method, params)
        if self.owner is not None:
            await self.owner.notify(method, params)

    def _caller(self) -> Caller | None:
        """Return the only call in flight, or the newest one of a session's client; None if it is not clear."""
        if len(self.calls) == 1 or (self.calls and self.owner is not None):
            return self.calls[-1]
        return self.owner


def _raise_without_token(attempt: Attempt) -> None:
    """Raise UpstreamError if a request was not sent, because there is no token for it."""
    if attempt.credentials_error:
        logger.warning("no token for the upstream: %s", attempt.credentials_error)
        raise UpstreamError(UNAUTHENTICATED, "There are no credentials for the upstream, so the call was not sent.")


_stream_ids = count(1)


def new_stream_id() -> str:
    """Return the id of a `subscriptions/listen` request, which cannot collide with a number of the dispatcher."""
    return f"bridge-listen-{next(_stream_ids)}"
