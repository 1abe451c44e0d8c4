"""Subscription bus of a replicated service: the SDK's in-memory bus with a bounded outbox for the other replicas."""

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
"""Distinct pending events for the other replicas; further ones are dropped and counted.

Source: official SDK 2.3, `ListenHandler`, `max_buffered_events` of one stream.
"""

logger = logging.getLogger(__name__)


class Outbox:
    """Queue of events for the other replicas. Events are level triggers, so equal pending ones are merged."""

    def __init__(self, on_drop: Callable[[], None]) -> None:
        self._queue: asyncio.Queue[ServerEvent] = asyncio.Queue(MAX_PENDING)
        self._pending: set[ServerEvent] = set()
        self._on_drop = on_drop

    def put(self, event: ServerEvent) -> None:
        """Add an event without waiting; a full outbox drops it."""
        if event in self._pending:
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._on_drop()
        else:
            self._pending.add(event)

    @asynccontextmanager
    async def next_event(self) -> AsyncIterator[ServerEvent]:
        """Yield the next event for sending; it is put back if the block fails."""
        event = await self._queue.get()
        self._pending.discard(event)  # before sending: a change in the meantime must be sent again
        try:
            yield event
        except BaseException:
            self.put(event)
            raise
        finally:
            self._queue.task_done()

    async def drained(self) -> None:
        """Wait until all events are sent."""
        await self._queue.join()


class ReplicaBus:
    """An in-memory `SubscriptionBus` whose outbox the relay drains if the service is replicated."""

    def __init__(self, metrics: CollectorRegistry) -> None:
        self.metrics = metrics
        self.events = Counter(
            contract.METRIC_BUS_EVENTS,
            "Events sent to, received from or dropped for other replicas.",
            [contract.LABEL_OUTCOME],
            registry=metrics,
        )
        self.outbox: Outbox | None = None
        """Set while a relay runs."""
        self.replicas_unreachable = False
        """True if the service is replicated without a relay."""
        self._unshared_is_logged = False
        self._here = InMemorySubscriptionBus()
        self._connected: bool | None = None

    @property
    def connected(self) -> bool | None:
        """Whether the relay is connected; None without a relay."""
        return self._connected

    @connected.setter
    def connected(self, connected: bool) -> None:
        self._gauge.set(connected)
        self._connected = connected

    @cached_property
    def _gauge(self) -> Gauge:
        text = "1 while the replicas are connected, 0 while changes reach only listeners of this replica."
        return Gauge(contract.METRIC_BUS_CONNECTED, text, registry=self.metrics)

    async def publish(self, event: ServerEvent) -> None:
        """Notify local listeners and queue the event for the other replicas."""
        if self.outbox is not None:
            self.outbox.put(event)
        elif self.replicas_unreachable:
            self._count_unshared()
        await self._here.publish(event)

    async def deliver(self, event: ServerEvent) -> None:
        """Notify local listeners of another replica's event."""
        await self._here.publish(event)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Register a listener; call the result to unregister it."""
        return self._here.subscribe(listener)

    def _count_unshared(self) -> None:
        self.events.labels("unshared").inc()
        if not self._unshared_is_logged:
            self._unshared_is_logged = True
            logger.warning(
                "only listeners of this replica were notified of a change: %s is not set. "
                "Set shared_state: [subscriptions] for this service and redis: {secret: ..., key: ...} for the stack.",
                contract.ENV_REDIS_URL,
            )


def with_subscription_relay(app: Starlette, bus: ReplicaBus, settings: Settings) -> Starlette:
    """Return the application with a relay for `bus` in its lifespan, if the settings have a Redis URL."""
    login = settings.redis
    bus.replicas_unreachable = settings.replicated and login is None
    if login is None:
        return app
    from meshed_mcp.agents.state.redis_bus import redis_relay  # noqa: PLC0415 - 8 MiB that only this case needs

    own = app.router.lifespan_context
    stream = f"meshed-mcp:{settings.namespace}/{settings.service}:events"

    @asynccontextmanager
    async def lifespan(running: Starlette) -> AsyncIterator[Any]:
        async with redis_relay(bus, login, stream), own(running) as state:
            yield state

    app.router.lifespan_context = lifespan
    return app
