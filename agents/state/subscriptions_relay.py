"""Connects the subscription bus of a replica to those of the other replicas while its application runs.

In: an application, its bus and the settings. Out: the same application, with a relay in its lifespan where the settings
name a Redis. Not here: the bus (subscriptions.py), the relay (redis_bus.py).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.state.subscriptions import ReplicaBus


def relayed(app: Starlette, bus: ReplicaBus, settings: Settings) -> Starlette:
    """Return the application; while it runs, `bus` is connected to the other replicas if the settings name a Redis."""
    bus.others_unreachable = settings.replicated and settings.redis_url is None
    if settings.redis_url is None:
        return app
    from meshed_mcp.agents.state.redis_bus import redis_relay  # noqa: PLC0415 - 8 MiB that only this case needs

    url, own = settings.redis_url, app.router.lifespan_context
    stream = f"meshed-mcp:{settings.namespace}/{settings.service}:events"

    @asynccontextmanager
    async def lifespan(running: Starlette) -> AsyncIterator[Any]:
        async with redis_relay(bus, url, stream), own(running) as state:
            yield state

    app.router.lifespan_context = lifespan
    return app
