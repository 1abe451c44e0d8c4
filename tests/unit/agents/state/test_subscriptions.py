"""The subscription bus and its outbox, the encoding of events, and the request state boundary."""

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.mcpserver import RequestStateSecurity
from mcp.server.request_state import RequestStateBoundary
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from meshed_mcp.agents import MCPService, Settings
from meshed_mcp.agents.auth.identity import ACCESS_KEY, Access
from meshed_mcp.agents.state.redis_bus import MAX_URI_BYTES, decode_event, encode_event
from meshed_mcp.agents.state.request_state import reject_unshared_state, state_principal
from meshed_mcp.agents.state.subscriptions import MAX_PENDING, Outbox, ReplicaBus

pytestmark = pytest.mark.anyio


def dropped(metrics: CollectorRegistry) -> float | None:
    """Count of dropped events."""
    return metrics.get_sample_value("mcp_server_bus_events_total", {"outcome": "dropped"})


async def test_publishing_never_waits_and_a_full_outbox_drops_and_counts() -> None:
    """Requirement RUN-10: an unreachable Redis delays no call, and the outbox is bounded."""
    metrics = CollectorRegistry()
    bus = ReplicaBus(metrics)
    bus.outbox = Outbox(bus.events.labels("dropped").inc)
    received: list[ServerEvent] = []
    bus.subscribe(received.append)
    for number in range(MAX_PENDING + 5):
        await bus.publish(ResourceUpdated(f"memo://{number}"))
    assert len(received) == MAX_PENDING + 5
    assert dropped(metrics) == 5


async def test_a_change_already_queued_is_not_queued_again() -> None:
    """Official SDK, `mcp.shared.subscriptions`: every event is a level trigger."""
    outbox = Outbox(lambda: pytest.fail("nothing is lost"))
    for _ in range(3 * MAX_PENDING):
        outbox.put(ToolsListChanged())
    async with outbox.next_event() as event:
        assert event == ToolsListChanged()
    await asyncio.wait_for(outbox.drained(), 20)


async def test_a_change_during_the_sending_of_an_equal_one_is_sent_again() -> None:
    """Requirement RUN-11: a listener notified before the second change has not seen it."""
    outbox = Outbox(lambda: None)
    outbox.put(ToolsListChanged())
    async with outbox.next_event():
        outbox.put(ToolsListChanged())
    async with asyncio.timeout(20), outbox.next_event() as event:
        assert event == ToolsListChanged()


async def test_unsent_changes_wait_for_the_next_connection() -> None:
    """Requirement RUN-11: a restart of Redis loses no change."""
    outbox = Outbox(lambda: None)
    outbox.put(PromptsListChanged())
    with pytest.raises(ConnectionError):
        async with outbox.next_event():
            raise ConnectionError
    async with asyncio.timeout(20), outbox.next_event() as event:
        assert event == PromptsListChanged()


def any_event() -> st.SearchStrategy[ServerEvent]:
    """Every kind of event, with any URI that a JSON text can hold."""
    changes: list[ServerEvent] = [ToolsListChanged(), PromptsListChanged(), ResourcesListChanged()]
    return st.sampled_from(changes) | st.builds(ResourceUpdated, st.text(st.characters(), max_size=50))


@given(any_event())
def test_every_event_survives_encoding_and_decoding(event: ServerEvent) -> None:
    """MCP 2026-07-28, "Subscriptions": the four notifications of a stream."""
    assert decode_event(encode_event(event)) == event


@given(st.dictionaries(st.sampled_from([b"method", b"uri", b"origin"]), st.binary(max_size=60)))
def test_an_invalid_message_is_not_an_event(fields: dict[bytes, bytes]) -> None:
    """Requirement RUN-11: messages are validated, whatever their sender."""
    assert decode_event(fields) is None


def test_a_uri_over_the_limit_is_not_an_event() -> None:
    """Requirement RUN-4: messages are bounded."""
    assert decode_event({b"method": b"notifications/resources/updated", b"uri": b"x" * (MAX_URI_BYTES + 1)}) is None
    assert decode_event({b"method": b"notifications/resources/updated"}) is None


def test_a_services_own_bus_and_policy_are_kept() -> None:
    """Requirement RUN-12: the SDK's own bus and state policy are never replaced."""
    own_bus, own_policy = InMemorySubscriptionBus(), RequestStateSecurity.ephemeral(ttl=5)
    service = MCPService("mcp-own", subscriptions=own_bus, request_state_security=own_policy)
    (boundary,) = (each for each in service.middleware if isinstance(each, RequestStateBoundary))
    service.http_app(Settings(replicated=True, request_state_keys=("k" * 32,), redis_url="redis://127.0.0.1:1/0"))
    assert boundary in service.middleware
    assert reject_unshared_state not in service.middleware
    assert service._subscriptions is own_bus


def test_the_boundary_uses_the_configured_keys() -> None:
    """SDK 2.3: `MCPServer` installs one RequestStateBoundary in the public middleware list."""
    service = MCPService("mcp-code")
    for _ in range(2):
        service.http_app(Settings(service="mcp-deployed", request_state_keys=("k" * 32,)))
        (boundary,) = (each for each in service.middleware if isinstance(each, RequestStateBoundary))
        assert boundary._audience == "mcp-deployed"
    service.http_app(Settings(replicated=True))
    service.http_app(Settings(replicated=True))
    assert [each for each in service.middleware if each is reject_unshared_state] == [reject_unshared_state]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, None),
        ({ACCESS_KEY: Access("cluster.local/ns/a/sa/b")}, "cluster.local/ns/a/sa/b"),
    ],
)
def test_state_is_bound_to_the_verified_caller(scope: dict[str, object], expected: str | None) -> None:
    """MCP 2026-07-28, "Multi Round-Trip Requests": state that is bound to a user is checked against the user."""
    context = SimpleNamespace(request=Request({"type": "http", **scope}))
    assert state_principal(context) == expected  # type: ignore[arg-type]
