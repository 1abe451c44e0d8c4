"""Subscription relay between the replicas of a service: one Redis stream that every replica writes and reads.

A stream keeps events, so a replica that was disconnected continues at its position and a restart of Redis loses
nothing. Without Redis, local listeners are still notified and events for other replicas wait in the outbox.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Mapping
from time import monotonic
from typing import Any, Final, Protocol

from mcp.server.subscriptions import ResourceUpdated, ServerEvent
from mcp.shared.subscriptions import event_from_wire, event_to_notification
from redis.exceptions import RedisError

from meshed_mcp.agents.process.server_login import ServerLogin
from meshed_mcp.agents.process.supervision import Backoff, supervised
from meshed_mcp.agents.state.redis_client import RotatingRedis
from meshed_mcp.agents.state.subscriptions import Outbox, ReplicaBus

KEPT_EVENTS: Final = 1024  # minimum number of events that the stream keeps for disconnected replicas
KEPT_SECONDS: Final = 3600  # expiry of the stream after its last event, so that a deleted service leaves no key
READ_EVENTS: Final = 100  # maximum number of events per read
BLOCK_SECONDS: Final = 5  # BLOCK of XREAD; also the interval at which an idle connection is verified
WATCH_SECONDS: Final = 1  # interval at which the files of the login are compared
FLUSH_TIMEOUT_SECONDS: Final = 1  # timeout for sending pending events at shutdown
MAX_URI_BYTES: Final = 8192  # longest resource URI that is accepted
TASK: Final = "bus between replicas"  # name of the background task in logs and metrics
BACKOFF: Final = Backoff(first_seconds=0.2, last_seconds=10)
SURROGATES: Final = "surrogatepass"
"""Error handler that keeps lone surrogates, which JSON texts and so URIs can contain."""

START: Final = b"0-0"  # identifier before the first entry. Source: Redis, "Streams", entry identifiers.
logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def redis_relay(bus: ReplicaBus, login: ServerLogin, stream: str) -> AsyncIterator[None]:
    """Connect the bus inside the block and reconnect to Redis as needed. Raises SettingsError for an invalid URL."""
    redis = RotatingRedis(login, lambda client: client.xrevrange(stream, count=1))
    outbox = Outbox(on_drop=bus.events.labels("dropped").inc)
    bus.outbox = outbox
    try:
        async with supervised(TASK, _Relay(bus, outbox, redis, stream).run, bus.metrics):
            try:
                yield
            finally:
                bus.outbox = None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(outbox.drained(), FLUSH_TIMEOUT_SECONDS)
    finally:
        await redis.aclose()


class _Clients(Protocol):
    """What `RotatingRedis` does for the relay."""

    async def client(self) -> Any:
        """Return the client to use."""


class _LoginChangedError(Exception):
    """Redis accepts a new login."""


class _Relay:
    def __init__(self, bus: ReplicaBus, outbox: Outbox, redis: _Clients, stream: str) -> None:
        self._bus, self._outbox, self._redis, self._stream = bus, outbox, redis, stream
        self._client: Any = None
        self._origin = uuid.uuid4().hex.encode()
        self._position: bytes | None = None
        self._missed = False  # a connection ended before it had a position, so events can be missing

    async def run(self) -> None:
        """Relay events and reconnect until canceled."""
        try:
            await self._run()
        finally:
            self._missed = True
            self._bus.connected = False

    async def _run(self) -> None:
        failures = 0
        while True:
            began = monotonic()
            try:
                self._client = await self._redis.client()
                await self._find_position()
                self._set_connected(connected=True)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._read())
                    tasks.create_task(self._write())
                    tasks.create_task(self._watch_login())
            except* _LoginChangedError:
                failures = 0
            except* (RedisError, OSError) as group:
                self._missed = True
                failures = 1 if monotonic() - began > BACKOFF.last_seconds else failures + 1
                self._set_connected(connected=False, reason=" ".join(str(group.exceptions[0]).split()))
            if failures:
                await asyncio.sleep(BACKOFF.seconds(failures))

    async def _watch_login(self) -> None:
        """Raise _LoginChangedError when another login is to be used: position and outbox stay, so nothing is lost."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if await self._redis.client() is not self._client:
                raise _LoginChangedError

    def _set_connected(self, *, connected: bool, reason: str = "") -> None:
        changed = self._bus.connected is not connected
        self._bus.connected = connected
        if changed and connected:
            logger.info("connected to the other replicas through Redis")
        elif changed:
            logger.warning("Redis does not respond, so changes reach only listeners of this replica: %s", reason)

    async def _find_position(self) -> None:
        """Set the read position: the end for a new replica, the last position after a reconnect.

        A stream whose newest identifier is older than the position is a new stream, which is read from the start.
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
            streams = await self._client.xread(position, count=READ_EVENTS, block=BLOCK_SECONDS * 1000)
            for _, entries in streams:
                for identifier, fields in entries:
                    self._position = identifier
                    await self._receive(fields)

    async def _receive(self, fields: Mapping[bytes, bytes]) -> None:
        if fields.get(b"origin") == self._origin:
            return
        event = decode_event(fields)
        self._bus.events.labels("invalid" if event is None else "received").inc()
        if event is not None:
            await self._bus.deliver(event)

    async def _write(self) -> None:
        while True:
            async with self._outbox.next_event() as event, self._client.pipeline(transaction=False) as pipeline:
                fields = {b"origin": self._origin, **encode_event(event)}
                pipeline.xadd(self._stream, fields, maxlen=KEPT_EVENTS, approximate=True)
                pipeline.expire(self._stream, KEPT_SECONDS)
                await pipeline.execute()
            self._bus.events.labels("sent").inc()


def encode_event(event: ServerEvent) -> dict[bytes, bytes]:
    """Return a stream entry: the method of the MCP notification, and the URI if there is one."""
    named = {b"method": event_to_notification(event, {}).method.encode()}
    if isinstance(event, ResourceUpdated):
        named[b"uri"] = event.uri.encode(errors=SURROGATES)
    return named


def decode_event(fields: Mapping[bytes, bytes]) -> ServerEvent | None:
    """Return the event of a stream entry; None for an invalid entry."""
    uri = fields.get(b"uri")
    if uri is not None and len(uri) > MAX_URI_BYTES:
        return None
    try:
        parameters = None if uri is None else {"uri": uri.decode(errors=SURROGATES)}
        return event_from_wire(fields.get(b"method", b"").decode(), parameters)
    except UnicodeDecodeError:
        return None


def _order(identifier: bytes) -> tuple[int, ...]:
    return tuple(int(part) for part in identifier.split(b"-"))
