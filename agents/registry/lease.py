"""Keeps a running server in the registry: publish, heartbeat, republish when forgotten or changed, release at the end.

In: the registry's URL and a description of the server. Out: an async context manager for the time of being ready.
A registry that is down never stops or delays the service: it is tried again with backoff, and logged once.
Not here: one request (client.py), when a service is ready (agents/http/server.py enters this as its presence).
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx
from prometheus_client import CollectorRegistry

from meshed_mcp.agents.process.backoff import Backoff
from meshed_mcp.agents.process.supervision import Restarts, supervised
from meshed_mcp.agents.registry.client import RegistryClient, RegistryError
from meshed_mcp.agents.registry.model import DEFAULT_LEASE_SECONDS, NotRegisteredError, ServerEntry

BEATS_PER_LEASE: Final = 3
"""Two heartbeats in a row may get lost before the registry forgets the server."""

TASK: Final = "registry lease"
"""Name of the background task, in the log and in the metric of restarts."""

BACKOFF: Final = Backoff(first_seconds=1, last_seconds=30)
RELEASE_SECONDS: Final = 2.0
"""How long the end may wait for the registry; the lease runs out anyway."""

Describe = Callable[[], Awaitable[ServerEntry]]
"""Gives the present entry; asked before every heartbeat, so that tools added later are published."""

logger = logging.getLogger(__name__)


def instance_name() -> str:
    """Name of this process among the replicas: host (in Kubernetes the pod) and process number."""
    return f"{socket.gethostname()}-{os.getpid()}"


@asynccontextmanager
async def registered(
    url: str,
    describe: Describe,
    *,
    lease_seconds: int = DEFAULT_LEASE_SECONDS,
    pace: "Pace | None" = None,
    transport: httpx.AsyncBaseTransport | None = None,
    metrics: CollectorRegistry | None = None,
) -> AsyncIterator[None]:
    """Keep the server registered inside the block; raises nothing on account of the registry.

    `metrics` counts restarts of the task that keeps the lease.
    """
    pace = pace or Pace()
    async with RegistryClient(url, transport=transport) as client:
        keeper = _Keeper(client, describe, lease_seconds, pace)
        try:
            async with supervised(TASK, keeper.keep, metrics, Restarts(pace.backoff, pace.sleep)):
                yield
        finally:
            await keeper.release()


@dataclass(frozen=True)
class Pace:
    """How the keeper waits, and what it does at each beat that was heard; tests put their own clock in."""

    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    backoff: Backoff = BACKOFF
    heard: Callable[[], object] = lambda: None


@dataclass
class _Keeper:
    client: RegistryClient
    describe: Describe
    lease_seconds: int
    pace: Pace
    instance: str = field(default_factory=instance_name)
    published: ServerEntry | None = None

    async def keep(self) -> None:
        """Beat until cancelled."""
        failures = 0
        while True:
            try:
                await self._beat()
            except RegistryError as error:
                failures += 1
                if failures == 1:
                    logger.warning("%s; serving goes on, registration is tried again", error)
                await self.pace.sleep(self.pace.backoff.seconds(failures))
                continue
            if failures:
                logger.info("the registry at %s answers again", self.client.url)
                failures = 0
            self.pace.heard()
            await self.pace.sleep(self.lease_seconds / BEATS_PER_LEASE)

    async def _beat(self) -> None:
        entry = await self.describe()
        if entry == self.published:
            try:
                await self.client.renew(entry, self.instance, self.lease_seconds)
            except NotRegisteredError:
                self.published = None
            else:
                return
        await self._publish(entry)

    async def _publish(self, entry: ServerEntry) -> None:
        try:
            await self.client.publish(entry, self.instance, self.lease_seconds)
        except NotRegisteredError as error:  # 404 to a publication: the URL is not that of a registry
            raise RegistryError(f"{self.client.url} is no registry: {error}") from None
        self.published = entry
        logger.info("registered %s %s at %s", entry.name, entry.version, self.client.url)

    async def release(self) -> None:
        """Give the lease back if there is one; the registry's silence is accepted."""
        if self.published is None:
            return
        with contextlib.suppress(RegistryError, NotRegisteredError, TimeoutError):
            async with asyncio.timeout(RELEASE_SECONDS):
                await self.client.release(self.published, self.instance)
