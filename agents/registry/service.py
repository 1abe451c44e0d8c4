"""The registry as a process: its application with a database, a sweep and metrics of the catalog.

In: settings and a metrics registry. Out: a Starlette application that opens its database when it starts.
Not here: endpoints (app.py), the process and its drain (agents/http/server.py).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from meshed_mcp.agents.process.supervision import supervised
from meshed_mcp.agents.registry.app import registry_app
from meshed_mcp.agents.registry.metrics import CatalogMetrics
from meshed_mcp.agents.registry.store import Store
from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.state.database import Database, open_database

SCHEMA: Final = "registry"
VERSIONS: Final = Path(__file__).parent / "versions"

SWEEP: Final = "registry sweep"
"""Name of the background task, in the log and in the metric of restarts."""

SWEEP_SECONDS: Final = 5.0
"""How old the metrics may be, and how long expired rows lie around; the same as the scrape interval of MCP pods."""

logger = logging.getLogger(__name__)


def open_store(settings: Settings) -> tuple[Database, Store]:
    """Open the catalog. Raises DatabaseError."""
    database = open_database(SCHEMA, VERSIONS, settings.effective_database_url)
    return database, Store(database)


def application(database: Database, store: Store, registry: CollectorRegistry) -> Starlette:
    """The application; while it runs, expired entries are removed and the catalog's metrics are kept up to date."""
    metrics = CatalogMetrics(registry)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await sweep(store, metrics)
        try:
            async with supervised(SWEEP, partial(_sweep_for_ever, store, metrics), registry):
                yield
        finally:
            database.close()

    return registry_app(store, lifespan)


async def sweep(store: Store, metrics: CatalogMetrics) -> None:
    """Remove what has expired and measure what is left; the loss of the database is told once, and so is its end."""
    was_up = metrics.up
    try:
        removed = await run_in_threadpool(store.remove_expired)
        metrics.swept(await run_in_threadpool(store.size), removed)
    except (DBAPIError, PoolTimeoutError) as error:
        metrics.lost()
        if was_up:
            reason = error.orig if isinstance(error, DBAPIError) else error
            logger.warning("the registry's database does not answer: %s", " ".join(str(reason).split()))
        return
    if not was_up:
        logger.info("the registry's database answers")
    if removed:
        logger.info("forgot %d servers whose leases have run out", removed)


async def _sweep_for_ever(store: Store, metrics: CatalogMetrics) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await sweep(store, metrics)
