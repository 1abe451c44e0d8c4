"""What changed on one replica reaches the `subscriptions/listen` streams of all: the SDK's bus, with a way out.

In: the events that tools and handlers publish. Out: the same events at the listeners here at once, and in a bounded
outbox for the other replicas, on which publishing never waits.
Not here: the way to the other replicas (subscriptions_redis.py), the streams, which are the SDK's.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any, Final

from mcp.server.subscriptions import InMemorySubscriptionBus, ServerEvent
from prometheus_client import CollectorRegistry, Counter, Gauge
from starlette.applications import Starlette

from meshed_mcp import contract
from meshed_mcp.agents.settings import Settings

MAX_PENDING: Final = 1024
"""Different changes that wait for the other replicas; further ones are dropped and counted.

Source: official SDK 2.3, `ListenHandler`, `max_buffered_events` of one stream.
"""

logger = logging.getLogger(__name__)


class Outbox:
    """Events for the other replicas. An event says "look again", so of equal ones that wait one is enough."""

    def __init__(self, on_drop: Callable[[], None]) -> None:
        self._queue: asyncio.Queue[ServerEvent] = asyncio.Queue(MAX_PENDING)
        self._waiting: set[ServerEvent] = set()
        self._on_drop = on_drop

    def put(self, event: ServerEvent) -> None:
        """Take an event without waiting; a full outbox drops it."""
        if event in self._waiting:
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._on_drop()
        else:
            self._waiting.add(event)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[ServerEvent]:
        """Wait for an event and hand it out for sending; it is put back when the block fails."""
        event = await self._queue.get()
        self._waiting.discard(event)  # before the sending: a change in the meantime must be told again
        try:
            yield event
        except BaseException:
            self.put(event)
            raise
        finally:
            self._queue.task_done()

    async def emptied(self) -> None:
        """Wait until everything is sent."""
        await self._queue.join()


class ReplicaBus:
    """A `SubscriptionBus`: in memory, and with an outbox that somebody empties where there are other replicas."""

    def __init__(self, metrics: CollectorRegistry) -> None:
        self._metrics = metrics
        self.events = Counter(
            contract.METRIC_BUS_EVENTS,
            "Changes told to other replicas, heard from them, or lost on the way.",
            [contract.LABEL_OUTCOME],
            registry=metrics,
        )
        self.outbox: Outbox | None = None
        """Set while other replicas can be told."""
        self.others_unreachable = False
        """True where other replicas exist and nothing leads to them."""
        self._here = InMemorySubscriptionBus()
        self._connected: bool | None = None

    @property
    def connected(self) -> bool | None:
        """Whether the other replicas are reached now; None where there is no way to them."""
        return self._connected

    @connected.setter
    def connected(self, connected: bool) -> None:
        self._gauge.set(connected)
        self._connected = connected

    @cached_property
    def _gauge(self) -> Gauge:
        text = "1 while replicas hear each other, 0 while changes reach the listeners of this replica only."
        return Gauge(contract.METRIC_BUS_CONNECTED, text, registry=self._metrics)

    async def publish(self, event: ServerEvent) -> None:
        """Tell the listeners here, and let the other replicas be told; waits for none of them."""
        if self.outbox is not None:
            self.outbox.put(event)
        elif self.others_unreachable:
            self._count_unshared()
        await self._here.publish(event)

    async def deliver(self, event: ServerEvent) -> None:
        """Tell the listeners here what another replica published."""
        await self._here.publish(event)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Register a listener; calling the result ends that."""
        return self._here.subscribe(listener)

    def _count_unshared(self) -> None:
        first = self._metrics.get_sample_value(contract.METRIC_BUS_EVENTS, {contract.LABEL_OUTCOME: "unshared"}) is None
        self.events.labels("unshared").inc()
        if first:
            logger.warning(
                "a change was told to the listeners of this replica only: %s is not set. Write uses: [subscriptions] "
                "for this service and redis: {secret: ..., key: ...} for the stack.",
                contract.ENV_REDIS_URL,
            )


def relayed(app: Starlette, bus: ReplicaBus, settings: Settings) -> Starlette:
    """The application, with `bus` connected to the other replicas while it runs, if the settings say over what."""
    bus.others_unreachable = settings.replicated and settings.redis_url is None
    if settings.redis_url is None:
        return app
    from meshed_mcp.agents.subscriptions_redis import redis_relay  # noqa: PLC0415 - 8 MiB that only this case needs

    url, own = settings.redis_url, app.router.lifespan_context
    stream = f"meshed-mcp:{settings.namespace}/{settings.service}:events"

    @asynccontextmanager
    async def lifespan(running: Starlette) -> AsyncIterator[Any]:
        async with redis_relay(bus, url, stream), own(running) as state:
            yield state

    app.router.lifespan_context = lifespan
    return app
