"""Passes one request of a client to the upstream and its result back, between any two revisions."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import mcp_types
from mcp.shared.exceptions import MCPError
from mcp_types.methods import INPUT_REQUIRED_METHODS, is_input_required

from meshed_mcp import contract
from meshed_mcp.agents.auth.identity import caller_of
from meshed_mcp.agents.bridge.catalog import Catalog
from meshed_mcp.agents.bridge.downstream import Context, InFlightCall, SessionClient, is_modern
from meshed_mcp.agents.bridge.errors import UpstreamError
from meshed_mcp.agents.bridge.held_calls import INPUT_METHODS, HeldCall, HeldCalls
from meshed_mcp.agents.bridge.metrics import ENDED, NOT_OPENED, BridgeMetrics
from meshed_mcp.agents.bridge.negotiation import BRIDGE_INFO, Facts, Identity, WrongEraError
from meshed_mcp.agents.bridge.pool import Key, Lease, Pool, capabilities_of
from meshed_mcp.agents.bridge.translation import PROGRESS_TOKEN, client_result, upstream_headers, upstream_params
from meshed_mcp.agents.bridge.upstream import SessionLostError, Upstream

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.shared.dispatcher import CallOptions

MAX_ROUNDS: Final = 10
"""Rounds of one call whose client cannot see them. Source: official SDK 2.3, `DEFAULT_INPUT_REQUIRED_MAX_ROUNDS`."""

STATE_ONLY_SECONDS: Final = 0.1
"""Wait before a round without input requests. Source: as above, its back-off is 0.05 s to 0.25 s."""

DEFAULT_LOG_LEVEL: Final = "info"
"""For clients up to 2025-11-25 that set none. Source: MCP 2025-11-25, "Logging": the server then chooses the level."""

ANONYMOUS: Final = "anonymous"  # name of callers without a verified identity, who share a process
ATTEMPTS: Final = 2  # a request that the upstream did not see, because it lost its session, is repeated once


@dataclass
class ClientSession:
    """State of one client session up to 2025-11-25."""

    log_level: str | None = None
    uris: set[str] = field(default_factory=set)
    """Subscribed resources, with an upstream of 2026-07-28."""

    listening: asyncio.Task[None] | None = None


class Proxy:
    """Handler of every request that the upstream answers; one per replica."""

    def __init__(self, pool: Pool, catalog: Catalog, metrics: BridgeMetrics, *, has_sessions: bool) -> None:
        self.pool, self.catalog = pool, catalog
        self._metrics, self._has_sessions = metrics, has_sessions
        self.held = HeldCalls(metrics.failed)
        self.sessions: dict[str, ClientSession] = {}
        self.is_open: Callable[[str], bool] = lambda _: True
        """Whether a client's session is open; a call that has waited for a connection may outlive it."""

        self.wrong_era = asyncio.Event()
        """Set when the upstream has rejected a revision that it spoke before."""

    async def __call__(self, ctx: Context, _: Any = None) -> dict[str, Any]:
        """Return the upstream's result. Raises MCPError: the upstream's own error as it is, or UpstreamError."""
        try:
            if is_modern(ctx) and not self.era(ctx) and ctx.method in INPUT_REQUIRED_METHODS:
                return await self._in_rounds(ctx)
            return await self._once(ctx, InFlightCall(ctx))
        except UpstreamError as error:
            self._metrics.failed(error.reason)
            raise
        except MCPError as error:
            if error.code == mcp_types.UNSUPPORTED_PROTOCOL_VERSION:
                self.wrong_era.set()
            raise

    def session_of(self, ctx: Context) -> str | None:
        """Return the id of the client's session; None without sessions."""
        if not self._has_sessions or is_modern(ctx) or ctx.request is None:
            return None
        found: str | None = ctx.request.headers.get(contract.SESSION_HEADER)
        return found

    def era(self, ctx: Context) -> bool:
        """Return the era in which the upstream serves this client; True for 2026-07-28."""
        return self.catalog.era_for(is_modern=is_modern(ctx))

    async def lease(self, ctx: Context) -> Lease:
        """Return a connection for this client. Raises UpstreamError."""
        identity, session = identity_of(ctx), self.session_of(ctx)
        name = session or (str(caller) if (caller := caller_of(ctx.request)).names else ANONYMOUS)
        key = self.pool.key(name, identity, is_session=session is not None, modern=self.era(ctx))
        lease = await self.pool.acquire(key, identity)
        if session is not None and not self.is_open(session):
            lease.release()
            self.pool.end_session(session)
            raise UpstreamError(ENDED, "The session has ended.")
        if key.is_session and lease.upstream.owner is None:
            lease.upstream.owner = SessionClient(ctx.session)
        return lease

    def session_upstream(self, ctx: Context) -> Upstream | None:
        """Return the open connection of the client's session, for its notifications."""
        session = self.session_of(ctx)
        return None if session is None else self.pool.find(Key(session, is_session=True, modern=self.era(ctx)))

    def end_session(self, session: str) -> None:
        """Close what belongs to a session that has ended."""
        self.pool.end_session(session)
        state = self.sessions.pop(session, None)
        if state is not None and state.listening is not None:
            state.listening.cancel()

    async def facts_of(self, upstream: Upstream) -> Facts:
        """Wait for the handshake. Raises UpstreamError."""
        try:
            return await upstream.opened()
        except WrongEraError as error:
            self.wrong_era.set()
            raise UpstreamError(NOT_OPENED, f"The upstream does not speak this revision any more: {error}.") from None

    async def _once(self, ctx: Context, call: InFlightCall) -> dict[str, Any]:
        for _ in range(ATTEMPTS):
            with await self.lease(ctx) as upstream:
                facts = await self.facts_of(upstream)
                try:
                    return await self._exchange(ctx, call, upstream, facts)
                except SessionLostError:
                    continue
        raise UpstreamError(NOT_OPENED, "The upstream has ended its session twice.")

    async def _exchange(self, ctx: Context, call: InFlightCall, upstream: Upstream, facts: Facts) -> dict[str, Any]:
        upstream.calls.append(call)
        try:
            result = await self._request(ctx, call, upstream, facts, {})
            if facts.is_modern and not is_modern(ctx):
                result = await self._answered(ctx, call, upstream, facts, result)
        finally:
            upstream.calls.remove(call)
        await call.settle()
        if ctx.method == "tools/list":
            self.catalog.observe(result)
        return client_result(ctx.method, result, facts, is_modern=is_modern(ctx), server=facts.server)

    async def _request(
        self, ctx: Context, call: InFlightCall, upstream: Upstream, facts: Facts, more: dict[str, Any]
    ) -> dict[str, Any]:
        state = self.sessions.get(self.session_of(ctx) or "")
        level = (None if state is None else state.log_level) or (None if is_modern(ctx) else DEFAULT_LOG_LEVEL)
        given = ctx.params if not more else {**(ctx.params or {}), **more}
        params = upstream_params(given, facts, identity_of(ctx), log_level=level)
        tool = (params or {}).get("name")
        schema = self.catalog.schema_of(tool) if ctx.method == "tools/call" and isinstance(tool, str) else None
        options: CallOptions = {"headers": upstream_headers(ctx.method, params, facts, schema)}
        if PROGRESS_TOKEN in ((ctx.params or {}).get("_meta") or {}):
            options["on_progress"] = call.progress
        return await upstream.request(ctx.method, params, options)

    async def _answered(
        self, ctx: Context, call: InFlightCall, upstream: Upstream, facts: Facts, result: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the final result for a client up to 2025-11-25: input requests become server-initiated requests."""
        for _ in range(MAX_ROUNDS):
            if not is_input_required(result):
                return result
            requests = result.get("inputRequests") or {}
            if not requests:
                await asyncio.sleep(STATE_ONLY_SECONDS)
            more: dict[str, Any] = {"requestState": result.get("requestState")} if "requestState" in result else {}
            more["inputResponses"] = {
                name: await call.ask(request["method"], request.get("params")) for name, request in requests.items()
            }
            result = await self._request(ctx, call, upstream, facts, more)
        text = f"The upstream asks for input in more than {MAX_ROUNDS} rounds."
        raise MCPError(code=mcp_types.INTERNAL_ERROR, message=text)

    async def _in_rounds(self, ctx: Context) -> dict[str, Any]:
        """Serve a client of 2026-07-28 by an upstream up to 2025-11-25, whose requests become input requests."""
        params = ctx.params or {}
        principal = f"{caller_of(ctx.request)} {ctx.method} {params.get('name') or params.get('uri')}"
        token = params.get("requestState")
        if token is not None:
            held = self.held.resume(str(token), principal)
            held.call.continue_on(ctx)
            held.answer(params.get("inputResponses") or {})
        elif identity_of(ctx).capabilities.keys() & INPUT_METHODS.values():
            call = InFlightCall(ctx)
            held = HeldCall(lambda held: self._held(ctx, call, held), principal, call)
        else:
            return await self._once(ctx, InFlightCall(ctx))
        result = await held.next_result()
        if is_input_required(result):
            held.call.continue_on(None)
            self.held.hold(held)
        return result

    async def _held(self, ctx: Context, call: InFlightCall, held: HeldCall) -> dict[str, Any]:
        call.held = held
        return await self._once(ctx, call)


def identity_of(ctx: Context) -> Identity:
    """Return the client's own identity for the upstream; the bridge's where a request carries none."""
    params = ctx.session.client_params
    info = BRIDGE_INFO if params is None else capabilities_of(params.client_info)
    return Identity(info, capabilities_of(ctx.session.client_capabilities))
