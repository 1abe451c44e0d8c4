"""Change notifications: `subscriptions/listen` of 2026-07-28 and subscriptions of earlier revisions, both ways."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import mcp_types
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY, event_from_wire, event_matches
from mcp_types import SubscriptionFilter

from meshed_mcp.agents.bridge.downstream import Context, SessionClient, is_modern, notify
from meshed_mcp.agents.bridge.negotiation import Facts
from meshed_mcp.agents.bridge.proxy import ClientSession, Proxy, identity_of
from meshed_mcp.agents.bridge.translation import upstream_headers, upstream_params, with_subscription
from meshed_mcp.agents.bridge.upstream import Params, Upstream, new_stream_id
from meshed_mcp.agents.process.supervision import BACKOFF

LISTEN: Final = "subscriptions/listen"
ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"
KINDS: Final = {"toolsListChanged": "tools", "promptsListChanged": "prompts", "resourcesListChanged": "resources"}
"""Field of a subscription filter -> server capability with `listChanged`."""

logger = logging.getLogger(__name__)


class Listening:
    """Handlers of `subscriptions/listen`, `resources/subscribe` and `resources/unsubscribe`; one per replica."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._open: set[asyncio.Event] = set()

    def end_streams(self) -> None:
        """End every `subscriptions/listen` stream with its result."""
        for stream in self._open:
            stream.set()

    async def listen(self, ctx: Context, _: Any = None) -> dict[str, Any]:
        """Serve one stream until client, upstream or the stop of the replica ends it. Raises MCPError."""
        with await self._proxy.lease(ctx) as upstream:
            facts = await self._proxy.facts_of(upstream)
            ending = asyncio.Event()
            self._open.add(ending)
            try:
                await (self._pass_stream if facts.is_modern else self._subscribed)(ctx, upstream, facts, ending)
            finally:
                self._open.discard(ending)
        return {"_meta": {SUBSCRIPTION_ID_META_KEY: ctx.request_id}}

    async def _pass_stream(self, ctx: Context, upstream: Upstream, facts: Facts, ending: asyncio.Event) -> None:
        async def receive(method: str, params: Params) -> None:
            await notify(ctx.session, method, with_subscription(params, ctx.request_id), ctx.request_id)

        params = upstream_params(ctx.params, facts, identity_of(ctx))
        async with _stream(upstream, facts, params, receive) as request:
            await _first(request, ending)

    async def _subscribed(self, ctx: Context, upstream: Upstream, facts: Facts, ending: asyncio.Event) -> None:
        """Serve a stream by the notifications of an upstream up to 2025-11-25."""
        honored = honored_filter((ctx.params or {}).get("notifications") or {}, facts.capabilities)
        wanted = SubscriptionFilter.model_validate(honored)
        uris = frozenset(wanted.resource_subscriptions or ())

        async def receive(method: str, params: Params) -> None:
            event = event_from_wire(method, params)
            if event is not None and event_matches(wanted, uris, event):
                await notify(ctx.session, method, with_subscription(params, ctx.request_id), ctx.request_id)

        async with _subscriptions(upstream, facts, uris):
            acknowledged = with_subscription({"notifications": honored}, ctx.request_id)
            await notify(ctx.session, ACKNOWLEDGED, acknowledged, ctx.request_id)
            upstream.listeners.append(receive)
            try:
                # No supervisor: it ends with the stream.
                ended = asyncio.create_task(upstream.ended(), name="end of upstream")
                await _first(ended, ending)
            finally:
                upstream.listeners.remove(receive)
        if not ending.is_set():
            raise MCPError(code=mcp_types.INTERNAL_ERROR, message="The upstream ended the connection; listen again.")

    async def subscribe(self, ctx: Context, params: Any) -> dict[str, Any]:
        """Handle `resources/subscribe` and `resources/unsubscribe` of a session up to 2025-11-25. Raises MCPError."""
        session = self._proxy.session_of(ctx)
        if session is None:
            text = f"{ctx.method} needs a session, and this service runs without sessions (legacy: sticky has them)"
            raise MCPError(code=mcp_types.METHOD_NOT_FOUND, message=text)
        if not self._proxy.era(ctx):
            return await self._proxy(ctx)
        state = self._proxy.sessions.setdefault(session, ClientSession())
        (state.uris.add if ctx.method == "resources/subscribe" else state.uris.discard)(str(params.uri))
        await self._follow(ctx, state)
        return {}

    async def opened(self, ctx: Context, _: Any = None) -> None:
        """Handle `notifications/initialized`: connect a session's upstream, which may send messages by itself."""
        session = self._proxy.session_of(ctx)
        if session is None or is_modern(ctx):
            return
        state = self._proxy.sessions.setdefault(session, ClientSession())
        if self._proxy.era(ctx):
            await self._follow(ctx, state)
            return
        try:
            with await self._proxy.lease(ctx) as upstream:
                await self._proxy.facts_of(upstream)
        except MCPError as error:
            logger.info("session %s has no upstream yet: %s", session, error.message)

    async def _follow(self, ctx: Context, state: ClientSession) -> None:
        """Replace the session's stream by one with its current resources, and wait until it is acknowledged."""
        before, acknowledged = state.listening, asyncio.Event()
        # No supervisor: it retries by itself, and ends with the session (Proxy.end_session).
        state.listening = asyncio.create_task(
            self._keep_listening(ctx, frozenset(state.uris), acknowledged), name="subscriptions of a session"
        )
        waiting = asyncio.create_task(acknowledged.wait(), name="acknowledgment")
        await asyncio.wait({waiting, state.listening}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if before is not None:
            before.cancel()

    async def _keep_listening(self, ctx: Context, uris: frozenset[str], acknowledged: asyncio.Event) -> None:
        client, failures = SessionClient(ctx.session), 0

        async def receive(method: str, params: Params) -> None:
            if method == ACKNOWLEDGED:
                acknowledged.set()
            else:
                await client.notify(method, params)

        while True:
            try:
                with await self._proxy.lease(ctx) as upstream:
                    facts = await self._proxy.facts_of(upstream)
                    wanted = session_filter(uris, facts.capabilities)
                    if not wanted:
                        return
                    params = upstream_params({"notifications": wanted}, facts, identity_of(ctx))
                    async with _stream(upstream, facts, params, receive) as request:
                        await request
            except MCPError as error:
                logger.info("the upstream ended a subscription: %s", error.message)
                session = self._proxy.session_of(ctx)
                if error.code == mcp_types.METHOD_NOT_FOUND or session is None or not self._proxy.is_open(session):
                    return
            failures += 1
            acknowledged.set()
            await asyncio.sleep(BACKOFF.seconds(failures))


def honored_filter(requested: Mapping[str, Any], capabilities: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a filter that an upstream up to 2025-11-25 can deliver."""
    found: dict[str, Any] = {
        name: True
        for name, capability in KINDS.items()
        if requested.get(name) and (capabilities.get(capability) or {}).get("listChanged")
    }
    uris = requested.get("resourceSubscriptions")
    if uris and (capabilities.get("resources") or {}).get("subscribe"):
        found["resourceSubscriptions"] = list(uris)
    return found


def session_filter(uris: frozenset[str], capabilities: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filter for a session: every list that can change, and its resources."""
    return honored_filter({**dict.fromkeys(KINDS, True), "resourceSubscriptions": sorted(uris)}, capabilities)


async def _first(task: asyncio.Task[Any], ending: asyncio.Event) -> None:
    """Wait until the task or the stream ends. Raises what the task raises."""
    end = asyncio.create_task(ending.wait(), name="end of a stream")
    try:
        await asyncio.wait({task, end}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        end.cancel()
        if not task.done():
            task.cancel()
    if task.done() and not task.cancelled():
        task.result()


@asynccontextmanager
async def _stream(
    upstream: Upstream, facts: Facts, params: Params, receive: Any
) -> AsyncIterator[asyncio.Task[dict[str, Any]]]:
    """Open a stream of the upstream, which ends with the block."""
    stream = new_stream_id()
    upstream.streams[stream] = receive
    headers = upstream_headers(LISTEN, params, facts)
    # No supervisor: the block awaits it.
    request = asyncio.create_task(
        upstream.request(LISTEN, params, {"request_id": stream, "headers": headers}), name="subscription"
    )
    try:
        yield request
    finally:
        request.cancel()
        await asyncio.wait({request})
        upstream.streams.pop(stream, None)


@asynccontextmanager
async def _subscriptions(upstream: Upstream, facts: Facts, uris: frozenset[str]) -> AsyncIterator[None]:
    """Subscribe to resources of an upstream up to 2025-11-25 while at least one stream wants them. Raises MCPError."""
    headers = upstream_headers("resources/subscribe", None, facts)
    try:
        for uri in uris:
            upstream.subscribed[uri] += 1
            if upstream.subscribed[uri] == 1:
                await upstream.request("resources/subscribe", {"uri": uri}, {"headers": headers})
        yield
    finally:
        for uri in uris:
            upstream.subscribed[uri] -= 1
            if not upstream.subscribed[uri] and upstream.is_usable:
                with contextlib.suppress(MCPError):
                    await upstream.request("resources/unsubscribe", {"uri": uri}, {"headers": headers})
