"""The lease of a service: registered while ready, whatever the state of the registry."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import httpx
import pytest
from mcp_types import Tool
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents.registry.app import registry_app
from meshed_mcp.agents.registry.lease import BACKOFF, HeartbeatTiming, instance_name, maintain_lease
from meshed_mcp.agents.registry.model import ServerEntry, server_entry
from meshed_mcp.agents.registry.store import ListQuery, Store

pytestmark = pytest.mark.anyio

URL = "http://mcp-registry:8000"


@dataclass
class Heartbeats:
    """A fake sleep: the lease task waits in it until the test calls `next`."""

    waits: list[float] = field(default_factory=list)
    _asleep: asyncio.Event = field(default_factory=asyncio.Event)
    _awake: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        """Record the wait, and wait for `next`."""
        self.waits.append(seconds)
        self._asleep.set()
        await self._awake.wait()
        self._awake.clear()

    async def reached(self) -> None:
        """Wait until the lease task sleeps."""
        async with asyncio.timeout(5):
            await self._asleep.wait()

    async def next(self) -> None:
        """Wake the lease task and wait until it sleeps again."""
        self._asleep.clear()
        self._awake.set()
        await self.reached()

    def timing(self, jitter: float = 1.0) -> HeartbeatTiming:
        """Timing of the lease task."""

        async def sleep(seconds: float) -> None:
            await self.sleep(seconds)

        return HeartbeatTiming(sleep=sleep, backoff=replace(BACKOFF, jitter=lambda: jitter))


@dataclass
class Registry(httpx.AsyncBaseTransport):
    """The registry's application; `up = False` makes it unreachable."""

    store: Store
    up: bool = True
    requests: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the application, or refuse the connection."""
        self.requests.append(request.method)
        if not self.up:
            raise httpx.ConnectError("refused", request=request)
        return await httpx.ASGITransport(registry_app(self.store)).handle_async_request(request)

    def names(self) -> list[str]:
        """Names of the registered servers."""
        return [found.entry.name for found in self.store.page(ListQuery()).registrations]


@pytest.fixture
def registry(sqlite_store: Store) -> Registry:
    """An empty registry."""
    return Registry(sqlite_store)


def describe(*tools: str) -> ServerEntry:
    """Entry of a service with these tools."""
    offered = [Tool(name=name, input_schema={"type": "object"}) for name in tools]
    return server_entry("ns/rag", "1.0.0", "http://mcp-rag:8000/mcp", description="Search", tools=offered)


async def described() -> ServerEntry:
    """Entry of a service that does not change."""
    return describe("search")


async def test_a_service_is_registered_inside_the_block_only(registry: Registry) -> None:
    """Requirement REG-1: a service registers at start and deregisters at drain."""
    heartbeats = Heartbeats()
    async with maintain_lease(URL, described, timing=heartbeats.timing(), transport=registry):
        await heartbeats.reached()
        assert registry.store.find("ns/rag").entry == describe("search")
    assert registry.names() == []


async def test_heartbeats_are_sent_at_a_third_of_the_lease(registry: Registry, clock: Callable[[], float]) -> None:
    """Requirement REG-1: two consecutive heartbeats may be lost without losing the lease."""
    heartbeats = Heartbeats()
    async with maintain_lease(URL, described, lease_seconds=30, timing=heartbeats.timing(), transport=registry):
        await heartbeats.reached()
        clock.now += 10  # type: ignore[attr-defined]
        await heartbeats.next()
        assert heartbeats.waits == [10.0, 10.0]
        assert registry.requests == ["POST", "PUT"]
        assert registry.store.find("ns/rag").expires_at == clock() + 30


async def test_only_acknowledged_heartbeats_update_the_gauge(registry: Registry) -> None:
    """Runbook MCPAgentHeartbeatStale: the gauge is as old as the last response."""
    heartbeats, heard = Heartbeats(), itertools.count()
    async with maintain_lease(
        URL, described, timing=replace(heartbeats.timing(), on_heartbeat=heard.__next__), transport=registry
    ):
        await heartbeats.reached()
        registry.up = False
        await heartbeats.next()
        registry.up = True
        await heartbeats.next()
    assert next(heard) == 2


async def test_a_forgotten_service_is_published_again(registry: Registry) -> None:
    """Requirement REG-3: a registry that lost its database fills itself within one heartbeat."""
    heartbeats = Heartbeats()
    async with maintain_lease(URL, described, timing=heartbeats.timing(), transport=registry):
        await heartbeats.reached()
        registry.store.remove("ns/rag", "1.0.0")
        await heartbeats.next()
        assert registry.names() == ["ns/rag"]


async def test_a_tool_added_later_is_published_with_the_next_heartbeat(registry: Registry) -> None:
    """MCP 2026-07-28, "Tools": a server's list may change while it runs."""
    heartbeats = Heartbeats()
    tools = ["search"]

    async def present() -> ServerEntry:
        return describe(*tools)

    async with maintain_lease(URL, present, timing=heartbeats.timing(), transport=registry):
        await heartbeats.reached()
        tools.append("ingest")
        await heartbeats.next()
        assert [tool.name for tool in registry.store.find("ns/rag").entry.tools] == ["search", "ingest"]


async def test_an_unreachable_registry_is_logged_once_and_retried_with_backoff(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement REG-3: the registry never fails a service; one log line, exponential backoff, then registered."""
    registry.up = False
    heartbeats = Heartbeats()
    caplog.set_level(logging.INFO)
    async with maintain_lease(URL, described, lease_seconds=30, timing=heartbeats.timing(), transport=registry):
        await heartbeats.reached()
        for _ in range(3):
            await heartbeats.next()
        assert heartbeats.waits == [1.0, 2.0, 4.0, 8.0]
        down = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        outage = f"the registry at {URL} does not respond: ConnectError refused"
        assert down == [f"{outage}; the service continues without registration and retries"]
        registry.up = True
        await heartbeats.next()
        assert registry.names() == ["ns/rag"]
        assert heartbeats.waits[-1] == 10.0
    assert f"the registry at {URL} responds again" in caplog.text


async def test_drain_does_not_wait_for_an_unreachable_registry(registry: Registry) -> None:
    """Requirement REG-3: a drain is not delayed; the lease expires by itself."""
    heartbeats = Heartbeats()
    async with maintain_lease(URL, described, timing=heartbeats.timing(), transport=registry):
        await heartbeats.reached()
        registry.up = False
    assert registry.requests[-1] == "DELETE"


async def test_a_url_of_another_server_is_reported_as_a_wrong_setting(caplog: pytest.LogCaptureFixture) -> None:
    """Requirement REG-3: 404 to a publication is logged as a wrong setting."""
    heartbeats = Heartbeats()
    nowhere = httpx.MockTransport(lambda _: httpx.Response(404, text="page not found"))
    async with maintain_lease(URL, described, timing=heartbeats.timing(), transport=nowhere):
        await heartbeats.reached()
    assert f"{URL} is not a registry: page not found" in caplog.text


async def test_a_failing_lease_task_is_logged_and_registers_later(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement RUN-8: a failure of a service's own code never keeps it out of the registry silently."""
    heartbeats, metrics = Heartbeats(), CollectorRegistry()
    failures = [RuntimeError("broken"), KeyError("tools")]

    async def present() -> ServerEntry:
        if failures:
            raise failures.pop()
        return describe("search")

    async with maintain_lease(URL, present, timing=heartbeats.timing(), transport=registry, metrics=metrics):
        await heartbeats.reached()
        for _ in range(2):
            await heartbeats.next()
        assert registry.names() == ["ns/rag"]
    assert metrics.get_sample_value(contract.METRIC_TASK_RESTARTS, {"task": "registry lease"}) == 2
    assert heartbeats.waits == [1.0, 2.0, 10.0]
    assert "'registry lease' failed with KeyError; it restarts in 1.0 s" in caplog.text


def test_retry_waits_are_jittered_and_bounded() -> None:
    """Requirement REG-3: the services of a cluster do not reconnect to a restarted registry at one moment."""
    low, high = (replace(BACKOFF, jitter=partial(float, share)) for share in (0.0, 1.0))
    assert [low.seconds(failures) for failures in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert [high.seconds(failures) for failures in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert high.seconds(10_000) == BACKOFF.last_seconds


def test_the_instance_name_is_accepted_by_the_registry(registry: Registry) -> None:
    """Requirement REG-1: host names may contain dots and dashes."""
    registry.store.register(describe(), instance_name(), 30)
    assert registry.names() == ["ns/rag"]
