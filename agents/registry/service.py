"""The registry as a process: its application with a database, a sweep and the catalogue gauge.

In: settings and a metrics registry. Out: a Starlette application that opens its database when it starts.
Not here: endpoints (app.py), the process and its drain (agents/serving.py).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from meshed_mcp.agents.database import Database, open_database
from meshed_mcp.agents.registry.app import registry_app
from meshed_mcp.agents.registry.store import Store
from meshed_mcp.agents.settings import Settings
from meshed_mcp.contract import METRIC_REGISTRY_SERVERS

SCHEMA: Final = "registry"
VERSIONS: Final = Path(__file__).parent / "versions"

SWEEP_SECONDS: Final = 5.0
"""How old the gauge may be, and how long expired rows lie around; the same as the scrape interval of MCP pods."""

UNKNOWN: Final = float("nan")
"""Value of the gauge while the database does not answer: an old number would look alive."""

logger = logging.getLogger(__name__)


def open_store(settings: Settings) -> tuple[Database, Store]:
    """Open the catalogue. Raises DatabaseError."""
    database = open_database(SCHEMA, VERSIONS, settings.effective_database_url)
    return database, Store(database)


def application(database: Database, store: Store, metrics: CollectorRegistry) -> Starlette:
    """The application; while it runs, expired entries are removed and `mcp_registry_servers` is kept up to date."""
    gauge = Gauge(METRIC_REGISTRY_SERVERS, "Live servers in the registry, each version counted.", registry=metrics)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await sweep(store, gauge)
        task = asyncio.create_task(_sweep_for_ever(store, gauge), name="registry sweep")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            database.close()

    return registry_app(store, lifespan)


async def sweep(store: Store, gauge: Gauge) -> None:
    """Remove what has expired and set the gauge; a database that is away makes it NaN and one log line."""
    try:
        removed = await run_in_threadpool(store.remove_expired)
        gauge.set(await run_in_threadpool(store.count))
    except DBAPIError as error:
        gauge.set(UNKNOWN)
        logger.warning("the registry's database does not answer: %s", " ".join(str(error.orig).split()))
        return
    if removed:
        logger.info("forgot %d servers whose leases have run out", removed)


async def _sweep_for_ever(store: Store, gauge: Gauge) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await sweep(store, gauge)
