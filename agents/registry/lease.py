"""Lease of a server in the registry: publish, heartbeat, release. An unreachable registry never delays the service."""

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

from meshed_mcp.agents.process.supervision import Backoff, Restarts, supervised
from meshed_mcp.agents.registry.client import RegistryClient, RegistryError
from meshed_mcp.agents.registry.model import DEFAULT_LEASE_SECONDS, NotRegisteredError, ServerEntry

HEARTBEATS_PER_LEASE: Final = 3  # the lease survives two consecutive lost heartbeats
TASK: Final = "registry lease"  # name of the background task in logs and metrics
BACKOFF: Final = Backoff(first_seconds=1, last_seconds=30)
RELEASE_TIMEOUT_SECONDS: Final = 2.0  # timeout of the release; without it the lease expires
Describe = Callable[[], Awaitable[ServerEntry]]
"""Returns the current entry before every heartbeat, so that tools added later are published."""

logger = logging.getLogger(__name__)


def instance_name() -> str:
    """Return the name of this process among the replicas: host (the pod in Kubernetes) and process ID."""
    return f"{socket.gethostname()}-{os.getpid()}"


@asynccontextmanager
async def maintain_lease(
    url: str,
    describe: Describe,
    *,
    lease_seconds: int = DEFAULT_LEASE_SECONDS,
    timing: "HeartbeatTiming | None" = None,
    transport: httpx.AsyncBaseTransport | None = None,
    metrics: CollectorRegistry | None = None,
) -> AsyncIterator[None]:
    """Keep the server registered inside the block, without raising errors of the registry; it logs an outage once."""
    timing = timing or HeartbeatTiming()
    async with RegistryClient(url, transport=transport) as client:
        lease = _LeaseTask(client, describe, lease_seconds, timing)
        try:
            async with supervised(TASK, lease.run, metrics, Restarts(timing.backoff, timing.sleep)):
                yield
        finally:
            await lease.release()


@dataclass(frozen=True)
class HeartbeatTiming:
    """Waits of the lease task, and a callback after each acknowledged heartbeat; tests inject their own."""

    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    backoff: Backoff = BACKOFF
    on_heartbeat: Callable[[], object] = lambda: None


@dataclass
class _LeaseTask:
    client: RegistryClient
    describe: Describe
    lease_seconds: int
    timing: HeartbeatTiming
    instance: str = field(default_factory=instance_name)
    published: ServerEntry | None = None

    async def run(self) -> None:
        """Send heartbeats until canceled."""
        failures = 0
        while True:
            try:
                await self._heartbeat()
            except RegistryError as error:
                failures += 1
                if failures == 1:
                    logger.warning("%s; the service continues without registration and retries", error)
                await self.timing.sleep(self.timing.backoff.seconds(failures))
                continue
            if failures:
                logger.info("the registry at %s responds again", self.client.url)
                failures = 0
            self.timing.on_heartbeat()
            await self.timing.sleep(self.lease_seconds / HEARTBEATS_PER_LEASE)

    async def _heartbeat(self) -> None:
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
        except NotRegisteredError as error:  # 404: the URL is not a registry's
            raise RegistryError(f"{self.client.url} is not a registry: {error}") from None
        self.published = entry
        logger.info("registered %s %s at %s", entry.name, entry.version, self.client.url)

    async def release(self) -> None:
        """Release the lease, if any; errors are ignored."""
        if self.published is None:
            return
        with contextlib.suppress(RegistryError, NotRegisteredError, TimeoutError):
            async with asyncio.timeout(RELEASE_TIMEOUT_SECONDS):
                await self.client.release(self.published, self.instance)
