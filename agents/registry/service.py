"""Process of the registry: the HTTP application with its database, the sweep and catalog metrics."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from meshed_mcp import contract
from meshed_mcp.agents.process.supervision import supervised
from meshed_mcp.agents.registry.app import registry_app
from meshed_mcp.agents.registry.store import CatalogSize, Store
from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.state.database import Database, open_database

SCHEMA: Final = "registry"
VERSIONS: Final = Path(__file__).parent / "versions"
SWEEP: Final = "registry sweep"  # name of the background task in logs and metrics
SWEEP_SECONDS: Final = 5.0  # interval of sweeps; equals the scrape interval of MCP pods
UNKNOWN: Final = float("nan")  # value of the size gauges while the database does not respond
logger = logging.getLogger(__name__)


class CatalogMetrics:
    """Metrics of the catalog. Replicas on one database report the same catalog: aggregate with max, not sum."""

    def __init__(self, registry: CollectorRegistry) -> None:
        gauge = partial(Gauge, registry=registry)
        self._servers = gauge(contract.METRIC_REGISTRY_SERVERS, "Live servers in the registry, each version counted.")
        self._leases = gauge(contract.METRIC_REGISTRY_LEASES, "Live leases: running instances of all servers.")
        self._expired = Counter(contract.METRIC_REGISTRY_EXPIRED, "Servers whose leases expired.", registry=registry)
        self._up = gauge(contract.METRIC_REGISTRY_DATABASE_UP, "1 while the registry's database responds, else 0.")
        self._sync = gauge(contract.METRIC_REGISTRY_SYNC, "Time of the last successful sweep, Unix seconds.")
        self._sync.set_to_current_time()
        self.up = False

    def record_sweep(self, size: CatalogSize, expired: int) -> None:
        """Record a sweep: the size of the catalog and the number of removed entries."""
        self.up = True
        self._up.set(1)
        self._servers.set(size.servers)
        self._leases.set(size.leases)
        self._expired.inc(expired)
        self._sync.set_to_current_time()

    def record_database_down(self) -> None:
        """Record that the database did not respond."""
        self.up = False
        self._up.set(0)
        self._servers.set(UNKNOWN)
        self._leases.set(UNKNOWN)


def open_store(settings: Settings) -> tuple[Database, Store]:
    """Open the catalog. Raises DatabaseError."""
    database = open_database(SCHEMA, VERSIONS, settings.database)
    return database, Store(database)


def application(database: Database, store: Store, registry: CollectorRegistry) -> Starlette:
    """Return the application; while it runs, a sweep removes expired entries and updates the metrics."""
    metrics = CatalogMetrics(registry)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await sweep(store, metrics)
        try:
            async with supervised(SWEEP, partial(_sweep_forever, store, metrics), registry):
                yield
        finally:
            database.close()

    return registry_app(store, lifespan)


async def sweep(store: Store, metrics: CatalogMetrics) -> None:
    """Remove expired entries and update the metrics; log once when the database fails and when it recovers."""
    was_up = metrics.up
    try:
        removed = await run_in_threadpool(store.remove_expired)
        metrics.record_sweep(await run_in_threadpool(store.size), removed)
    except (DBAPIError, PoolTimeoutError) as error:
        metrics.record_database_down()
        if was_up:
            reason = error.orig if isinstance(error, DBAPIError) else error
            logger.warning("the registry's database does not respond: %s", " ".join(str(reason).split()))
        return
    if not was_up:
        logger.info("the registry's database responds")
    if removed:
        logger.info("removed %d servers with expired leases", removed)


async def _sweep_forever(store: Store, metrics: CatalogMetrics) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await sweep(store, metrics)
