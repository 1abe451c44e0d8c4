"""Changes published by one replica reach clients of another: real processes, the official client, a real Redis."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.server.subscriptions import PromptsListChanged, ResourcesListChanged, ResourceUpdated, ToolsListChanged
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from meshed_mcp.agents.process.server_login import fixed_login
from meshed_mcp.agents.state.redis_bus import encode_event, redis_relay
from meshed_mcp.agents.state.subscriptions import ReplicaBus
from tests.behaviors.replicas import Service, StartService, eventually
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.engine("redis-server")]

SCRIPT = Path(__file__).parent / "asking_service.py"
CONNECTED = "mcp_server_bus_connected"
STREAM = "meshed-mcp:default/mcp-test:events"
URI = "memo://today"
CHANGES = {
    "tools": ToolsListChanged(),
    "prompts": PromptsListChanged(),
    "resources": ResourcesListChanged(),
    URI: ResourceUpdated(URI),
}


def events(outcome: str) -> str:
    """The series that counts one outcome."""
    return f'mcp_server_bus_events_total{{outcome="{outcome}"}}'


@pytest.fixture
async def pair(start_service: StartService, redis: RedisServer) -> tuple[Service, Service]:
    """Two replicas that hear each other."""
    one, other = (start_service(SCRIPT, ready=False, MESHED_MCP_REDIS_URL=redis.url) for _ in range(2))
    await eventually(
        lambda: all(each.ready() and each.sample(CONNECTED) == 1 for each in (one, other)), within_seconds=60
    )
    return one, other


def connected(service: Service) -> bool:
    """Whether a replica is ready and hears the others."""
    return service.ready() and service.sample(CONNECTED) == 1


class Listener:
    """Notifications that a client of one replica has received."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    async def hears(self, *expected: object) -> None:
        """Wait until exactly these events were received, and clear them."""
        await eventually(lambda: len(self.heard) >= len(expected), within_seconds=60)
        assert set(self.heard) == set(expected)
        self.heard.clear()


@asynccontextmanager
async def listening(service: Service) -> AsyncIterator[Listener]:
    """Listen to everything on one replica."""
    listener = Listener()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(service.url, mode="2026-07-28"))
        subscription = await stack.enter_async_context(
            client.listen(
                tools_list_changed=True,
                prompts_list_changed=True,
                resources_list_changed=True,
                resource_subscriptions=[URI],
            )
        )
        tasks = await stack.enter_async_context(anyio.create_task_group())

        async def collect() -> None:
            async for event in subscription:
                listener.heard.append(event)

        tasks.start_soon(collect)
        yield listener
        tasks.cancel_scope.cancel()


async def change(service: Service, *what: str) -> None:
    """Let one replica publish changes."""
    async with Client(service.url, mode="2026-07-28") as client:
        for each in what:
            assert not (await client.call_tool("change", {"what": each})).is_error


async def test_every_change_on_one_replica_reaches_the_listeners_of_both_once(pair: tuple[Service, Service]) -> None:
    """MCP 2026-07-28, "Subscriptions": a stream carries changes of the server, whichever process made them."""
    one, other = pair
    async with listening(one) as near, listening(other) as far:
        for what, event in CHANGES.items():
            await change(one, what)
            await near.hears(event)
            await far.hears(event)
        await change(one, "memo://unsubscribed", "tools")
        await far.hears(CHANGES["tools"])
    assert one.sample(events("sent")) == other.sample(events("received")) == len(CHANGES) + 2


async def test_a_change_made_while_redis_was_down_arrives_after_recovery(
    pair: tuple[Service, Service], redis: RedisServer
) -> None:
    """Requirement RUN-10: loss of Redis costs no call and no change; one log line, a metric while it lasts."""
    one, other = pair
    async with listening(one) as near, listening(other) as far:
        redis.stop()
        await eventually(lambda: one.sample(CONNECTED) == other.sample(CONNECTED) == 0, within_seconds=60)
        await change(one, *CHANGES)
        await near.hears(*CHANGES.values())
        assert far.heard == []
        redis.start()
        await far.hears(*CHANGES.values())
        await change(other, "tools")
        await near.hears(CHANGES["tools"])
    for service in pair:
        lines = [line["level"] for line in service.lines() if "Redis does not respond" in line["message"]]
        assert lines == ["WARNING"]


async def test_an_unresponsive_redis_delays_no_call_and_loses_no_change(
    pair: tuple[Service, Service], redis: RedisServer
) -> None:
    """Requirement RUN-10: publishing never waits for Redis."""
    one, other = pair
    async with listening(one) as near, listening(other) as far:
        redis.freeze()
        await change(one, *CHANGES)
        await near.hears(*CHANGES.values())
        assert far.heard == []
        redis.thaw()
        await far.hears(*CHANGES.values())


async def test_a_replica_starts_without_redis_and_connects_later(
    start_service: StartService, redis: RedisServer
) -> None:
    """Requirement RUN-10: Redis is no condition of readiness."""
    redis.stop()
    one, other = (start_service(SCRIPT, ready=False, MESHED_MCP_REDIS_URL=redis.url) for _ in range(2))
    await eventually(lambda: one.ready() and other.ready(), within_seconds=60)
    async with listening(other) as far:
        await change(one, "prompts")
        redis.start()
        await far.hears(CHANGES["prompts"])


async def test_replicas_without_a_bus_log_once_and_count(start_service: StartService) -> None:
    """Requirement RUN-11: a change that other replicas' listeners miss is never silent."""
    service = start_service(SCRIPT, MESHED_MCP_REPLICATED="true")
    await change(service, "tools", "tools")
    assert service.sample(events("unshared")) == 2
    said = [line for line in service.lines() if "MESHED_MCP_REDIS_URL is not set" in line["message"]]
    assert len(said) == 1
    assert "Set shared_state: [subscriptions]" in said[0]["message"]


async def test_an_invalid_url_ends_the_start_with_one_line_that_does_not_repeat_it(
    start_service: StartService,
) -> None:
    """Requirement CFG-11: the URL holds a password."""
    for url in ("http://:secret@redis", "redis://:secret@redis:port"):
        service = start_service(SCRIPT, ready=False, MESHED_MCP_REDIS_URL=url)
        assert await service.exit_code(within_seconds=60) == 1
        said = service.log.read_text()
        assert "MESHED_MCP_REDIS_URL is not usable; set redis://user:password@host:6379/0" in said
        assert "secret" not in said
        assert "Traceback" not in said


@asynccontextmanager
async def relays(url: str) -> AsyncIterator[tuple[ReplicaBus, ReplicaBus, CollectorRegistry]]:
    """Two connected buses in this process, and the metrics of the second."""
    metrics = CollectorRegistry()
    one, other = ReplicaBus(CollectorRegistry()), ReplicaBus(metrics)
    login = fixed_login(url)
    async with redis_relay(one, login, STREAM), redis_relay(other, login, STREAM):
        await eventually(lambda: one.connected is other.connected is True, within_seconds=60)
        yield one, other, metrics


async def test_a_redis_user_with_four_commands_is_sufficient(redis: RedisServer) -> None:
    """docs/how-to/replicas.md: least privilege in Redis, ACL."""
    rule = "on >secret resetkeys ~meshed-mcp:* -@all +xadd +xread +xrevrange +expire"
    async with Redis.from_url(redis.url, protocol=2) as admin:
        await admin.execute_command("ACL", "SETUSER", "mcp", *rule.split())
    async with relays(redis.url.replace("//", "//mcp:secret@")) as (one, other, _):
        heard: list[object] = []
        other.subscribe(heard.append)
        await one.publish(ToolsListChanged())
        await eventually(lambda: heard == [ToolsListChanged()], within_seconds=60)


async def test_an_invalid_entry_is_counted_and_skipped(redis: RedisServer) -> None:
    """Requirement RUN-11: messages are validated, and a wrong one does not stop the reader."""
    async with relays(redis.url) as (one, other, metrics), Redis.from_url(redis.url, protocol=2) as writer:
        heard: list[object] = []
        other.subscribe(heard.append)
        for method in (b"notifications/resources/updated", b"tools/call", b"\xff"):
            await writer.xadd(STREAM, {b"method": method})
        await one.publish(PromptsListChanged())
        await eventually(lambda: heard == [PromptsListChanged()], within_seconds=60)
    assert metrics.get_sample_value("mcp_server_bus_events_total", {"outcome": "invalid"}) == 3


async def test_a_stream_that_restarted_with_older_ids_is_read_from_its_start(redis: RedisServer) -> None:
    """Redis, "Streams": identifiers are times of the server's clock, which a fail-over may set back."""
    async with Redis.from_url(redis.url, protocol=2) as writer:
        await writer.xadd(STREAM, dict(encode_event(ToolsListChanged()).items()), id="99999999999999-0")
    async with relays(redis.url) as (one, other, _):
        heard: list[object] = []
        other.subscribe(heard.append)
        redis.stop()
        await one.publish(PromptsListChanged())
        await eventually(lambda: one.connected is other.connected is False, within_seconds=60)
        redis.start()
        await eventually(lambda: heard == [PromptsListChanged()], within_seconds=60)
