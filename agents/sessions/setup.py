"""Middleware and event store of a service with sessions, as its settings say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from mcp.server.streamable_http import EventStore
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from meshed_mcp import contract
from meshed_mcp.agents.http.sessions import SessionMetrics
from meshed_mcp.agents.process.supervision import supervised
from meshed_mcp.agents.protocol.legacy import wrap_endpoint
from meshed_mcp.agents.sessions.middleware import MemorySessionMiddleware
from meshed_mcp.agents.settings import Settings

PROLONGED_PER_IDLE: Final = 3  # how often sessions with open streams are prolonged within the idle time
LONGEST_PERIOD_SECONDS: Final = 60.0


class Sessions:
    """Sessions of one service; nothing without `legacy: sticky`."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self._settings, self._registry = settings, registry
        self._store: Any = None
        login, in_redis = settings.redis, settings.session_store is contract.SessionStore.REDIS
        if login is not None and settings.legacy is contract.Legacy.STICKY and in_redis:
            from meshed_mcp.agents.sessions.store import SessionStore  # noqa: PLC0415 - imports Redis

            prefix = f"meshed-mcp:{settings.namespace}/{settings.service}:session:"
            self._store = SessionStore(login, prefix, settings.session_idle_seconds, registry)

    def options(self) -> dict[str, EventStore]:
        """Options of the SDK's `streamable_http_app`."""
        if self._store is None:
            return {}
        from meshed_mcp.agents.sessions.events import RedisEventStore  # noqa: PLC0415 - imports Redis

        return {"event_store": RedisEventStore(self._store)}

    def protect(self, app: Starlette, metrics: SessionMetrics) -> None:
        """Wrap the endpoint of the application."""
        if self._settings.legacy is not contract.Legacy.STICKY:
            return
        if self._store is not None:
            self._protect_stored(app, metrics)
            return

        def wrapped(endpoint: Any) -> Any:
            middleware = MemorySessionMiddleware(endpoint)
            metrics.on_end.append(middleware.forget)
            return middleware

        wrap_endpoint(app, self._settings.path, wrapped)

    def _protect_stored(self, app: Starlette, metrics: SessionMetrics) -> None:
        from meshed_mcp.agents.sessions.takeover import StoredSessionMiddleware  # noqa: PLC0415 - imports Redis

        made = list[StoredSessionMiddleware]()

        def wrapped(endpoint: Any) -> Any:
            middleware = StoredSessionMiddleware(endpoint, self._store, self._registry)
            metrics.on_end.append(middleware.forget)
            made.append(middleware)
            return middleware

        wrap_endpoint(app, self._settings.path, wrapped)
        period = min(self._settings.session_idle_seconds / PROLONGED_PER_IDLE, LONGEST_PERIOD_SECONDS)

        async def keep_prolonging() -> None:
            while True:
                await asyncio.sleep(period)
                for middleware in made:
                    await middleware.prolong()

        own = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(running: Starlette) -> AsyncIterator[Any]:
            try:
                async with supervised("sessions in Redis", keep_prolonging, self._registry), own(running) as state:
                    yield state
            finally:
                await self._store.close()

        app.router.lifespan_context = lifespan
