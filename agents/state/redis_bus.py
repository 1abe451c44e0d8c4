"""The way between the replicas of a service: one Redis stream, which each of them writes to and reads.

In: a bus with its outbox, the URL of a Redis, the stream's name. Out: a context in which the replicas hear each other.
A stream and not a channel: who was away for a moment reads on where it was, so a restart of Redis loses no change.
Without Redis the listeners here are still told; what the others must hear waits in the outbox.
Not here: what is published and when (the SDK, subscriptions.py).
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Mapping
from time import monotonic
from typing import Any, Final

from mcp.server.subscriptions import ResourceUpdated, ServerEvent
from mcp.shared.subscriptions import event_from_wire, event_to_notification
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from meshed_mcp import contract
from meshed_mcp.agents.process.backoff import Backoff
from meshed_mcp.agents.process.supervision import supervised
from meshed_mcp.agents.settings import SettingsError
from meshed_mcp.agents.state.subscriptions import Outbox, ReplicaBus
from meshed_mcp.error_codes.runtime import INVALID_REDIS_URL

KEPT_EVENTS: Final = 1024
"""Events a stream holds at least; who has been away for longer has missed the older ones."""

KEPT_SECONDS: Final = 3600
"""A stream is gone this long after its last event: a service that is deleted leaves nothing behind."""

READ_EVENTS: Final = 100
"""Events of one answer."""

BLOCK_SECONDS: Final = 5
"""How long Redis holds a question that has no answer yet; the connection is known to live at least that often."""

ANSWER_SECONDS: Final = 10
"""Silence after which a connection is given up; longer than BLOCK_SECONDS."""

FLUSH_SECONDS: Final = 1
"""How long the end of the process may wait for events that are not sent yet."""

MAX_URI_BYTES: Final = 8192
"""Longest resource URI that is believed."""

TASK: Final = "bus between replicas"
"""Name of the background task, in the log and in the metric of restarts."""

BACKOFF: Final = Backoff(first_seconds=0.2, last_seconds=10)
ANY_TEXT: Final = "surrogatepass"
"""JSON can hold half a character, so a URI can: it must come out as it went in."""

START: Final = b"0-0"
"""Identifier before that of every entry. Source: Redis, "Streams", entry identifiers."""

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def redis_relay(bus: ReplicaBus, url: str, stream: str) -> AsyncIterator[None]:
    """Connect the bus while the block runs; Redis may come, go and come back. Raises SettingsError for a wrong URL."""
    client = redis_client(url)
    outbox = Outbox(on_drop=bus.events.labels("dropped").inc)
    bus.outbox = outbox
    try:
        async with supervised(TASK, _Relay(bus, outbox, client, stream).keep, bus.metrics):
            try:
                yield
            finally:
                bus.outbox = None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(outbox.emptied(), FLUSH_SECONDS)
    finally:
        await client.aclose()


def redis_client(url: str) -> Redis:
    """A client that fails at once, so that backing off is in one place. Raises SettingsError with one line."""
    try:
        client = Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=BLOCK_SECONDS,
            socket_timeout=ANSWER_SECONDS,
        )
        client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        raise SettingsError(INVALID_REDIS_URL.message(variable=contract.ENV_REDIS_URL)) from None
    return client


class _Relay:
    def __init__(self, bus: ReplicaBus, outbox: Outbox, client: Any, stream: str) -> None:
        self._bus, self._outbox, self._client, self._stream = bus, outbox, client, stream
        self._origin = uuid.uuid4().hex.encode()
        self._position: bytes | None = None
        self._missed = False
        """Whether a connection ended before a position was found: events may have passed since."""

    async def keep(self) -> None:
        """Connect, again and again, until cancelled. Whatever ends it, the bus is not connected from then on."""
        try:
            await self._keep()
        finally:
            self._missed = True
            self._bus.connected = False

    async def _keep(self) -> None:
        failures = 0
        while True:
            began = monotonic()
            try:
                await self._find_position()
                self._say(connected=True)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._read())
                    both.create_task(self._write())
            except* (RedisError, OSError) as group:
                self._missed = True
                failures = 1 if monotonic() - began > BACKOFF.last_seconds else failures + 1
                self._say(connected=False, reason=" ".join(str(group.exceptions[0]).split()))
            await asyncio.sleep(BACKOFF.seconds(failures))

    def _say(self, *, connected: bool, reason: str = "") -> None:
        changed = self._bus.connected is not connected
        self._bus.connected = connected
        if changed and connected:
            logger.info("connected to the other replicas over Redis")
        elif changed:
            logger.warning("Redis does not answer, so changes reach the listeners of this replica only: %s", reason)

    async def _find_position(self) -> None:
        """Where to read on: at the end for a new replica, where it was for one that was away.

        From the start when the stream is another one than before (its newest identifier is older than ours).
        """
        newest = await self._client.xrevrange(self._stream, count=1)
        end = newest[0][0] if newest else START
        if self._position is None:
            self._position = START if self._missed else end
        elif _order(end) < _order(self._position):
            self._position = START

    async def _read(self) -> None:
        while True:
            position = {self._stream: self._position}
            answer = await self._client.xread(position, count=READ_EVENTS, block=BLOCK_SECONDS * 1000)
            for _, entries in answer:
                for identifier, fields in entries:
                    self._position = identifier
                    await self._hear(fields)

    async def _hear(self, fields: Mapping[bytes, bytes]) -> None:
        if fields.get(b"origin") == self._origin:
            return
        event = event_of(fields)
        self._bus.events.labels("invalid" if event is None else "received").inc()
        if event is not None:
            await self._bus.deliver(event)

    async def _write(self) -> None:
        while True:
            async with self._outbox.taken() as event, self._client.pipeline(transaction=False) as pipeline:
                fields = {b"origin": self._origin, **fields_of(event)}
                pipeline.xadd(self._stream, fields, maxlen=KEPT_EVENTS, approximate=True)
                pipeline.expire(self._stream, KEPT_SECONDS)
                await pipeline.execute()
            self._bus.events.labels("sent").inc()


def fields_of(event: ServerEvent) -> dict[bytes, bytes]:
    """The event as an entry: the name of its MCP notification, and the URI where it has one."""
    named = {b"method": event_to_notification(event, {}).method.encode()}
    if isinstance(event, ResourceUpdated):
        named[b"uri"] = event.uri.encode(errors=ANY_TEXT)
    return named


def event_of(fields: Mapping[bytes, bytes]) -> ServerEvent | None:
    """The event of an entry; None for one that is no event, whoever wrote it."""
    uri = fields.get(b"uri")
    if uri is not None and len(uri) > MAX_URI_BYTES:
        return None
    try:
        parameters = None if uri is None else {"uri": uri.decode(errors=ANY_TEXT)}
        return event_from_wire(fields.get(b"method", b"").decode(), parameters)
    except UnicodeDecodeError:
        return None


def _order(identifier: bytes) -> tuple[int, ...]:
    return tuple(int(part) for part in identifier.split(b"-"))
