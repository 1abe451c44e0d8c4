"""What changed on one replica reaches the `subscriptions/listen` streams of all: the SDK's bus, with a way out.

In: the events that tools and handlers publish. Out: the same events at the listeners here at once, and in a bounded
outbox for the other replicas, on which publishing never waits.
Not here: the connection to the other replicas (subscriptions_relay.py), the streams, which are the SDK's.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Final

from mcp.server.subscriptions import InMemorySubscriptionBus, ServerEvent
from prometheus_client import CollectorRegistry, Counter, Gauge

from meshed_mcp import contract

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
        self.metrics = metrics
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
        self._unshared_is_logged = False
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
        return Gauge(contract.METRIC_BUS_CONNECTED, text, registry=self.metrics)

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
        self.events.labels("unshared").inc()
        if not self._unshared_is_logged:
            self._unshared_is_logged = True
            logger.warning(
                "only listeners of this replica were notified of a change: %s is not set. Set shared_state: [subscriptions] "
                "for this service and redis: {secret: ..., key: ...} for the stack.",
                contract.ENV_REDIS_URL,
            )
