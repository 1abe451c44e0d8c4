"""The state of a session that other replicas can take over: event ids, messages to repeat, the record."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.agents.sessions.owner import Owner
from meshed_mcp.agents.sessions.stored_session import (
    KEPT_BYTES,
    KEPT_EVENTS,
    STREAM_CHARACTERS,
    SUBSCRIPTIONS,
    Event,
    StoredSession,
    from_record,
    stream_name,
)

OWNER = Owner("app", "https://login", "ann", "cluster.local/ns/a/sa/front")


def session(secret: str = "00" * 16) -> StoredSession:
    """A session with a secret."""
    return StoredSession(OWNER, secret=secret, name="abc")


@pytest.mark.property
@given(st.integers(0, 2**53), st.text(st.characters(), max_size=200))
def test_a_session_reads_its_own_event_ids(number: int, request: str) -> None:
    """Requirement STR-6: ids are ASCII and bounded, and no other session accepts them."""
    stream = stream_name(request)
    found = session().event_id(number, stream)
    assert found.isascii()
    assert len(found) < 500
    assert session().position(found) == (number, stream)
    assert session("11" * 16).position(found) is None


@pytest.mark.property
@given(st.text(max_size=200))
def test_an_invented_event_id_is_none_of_the_session(text: str) -> None:
    """Requirement STR-6: whatever a client sends as `Last-Event-ID`."""
    assert session().position(text) is None


def test_a_changed_event_id_is_none_of_the_session() -> None:
    """Requirement STR-6: number and stream are under the MAC."""
    _, stream, mac = session().event_id(7, "1").split(".")
    for changed in (
        f"8.{stream}.{mac}",
        f"7.{stream}A.{mac}",
        f"7.{stream}.{mac[:-1]}",
        f"7.{stream}.{mac}0",
        f"7.{stream}.é",
    ):
        assert session().position(changed) is None


def test_long_stream_names_are_hashed_and_differ() -> None:
    """Requirement STR-6: a request id of any length makes a bounded event id."""
    names = {stream_name("x" * 10_000 + end) for end in "ab"}
    assert len(names) == 2
    assert all(len(name) == STREAM_CHARACTERS for name in names)


def message(method: str, **params: Any) -> dict[str, Any]:
    """A message of a client."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def test_messages_are_repeated_in_the_order_of_their_effect() -> None:
    """MCP 2025-11-25, "Lifecycle": `initialize` first; the last log level and the open subscriptions follow."""
    found = session()
    kept = [message("initialize"), message("notifications/initialized"), message("logging/setLevel", level="debug")]
    found.note(message("resources/subscribe", uri="a"))
    found.note(message("logging/setLevel", level="error"))
    for each in reversed(kept):
        assert found.note(each)
    found.note(message("resources/subscribe", uri="b"))
    assert found.note(message("resources/unsubscribe", uri="a"))
    assert not found.note(message("resources/unsubscribe", uri="a"))
    assert list(found.repeated()) == [*kept, message("resources/subscribe", uri="b")]


@pytest.mark.parametrize(
    "other", [message("tools/call"), {"id": 1, "result": {}}, [], None, "initialize", {"method": 1}]
)
def test_other_messages_are_not_repeated(other: object) -> None:
    """Requirement STR-5: a call never runs twice."""
    found = session()
    assert not found.note(other)
    assert list(found.repeated()) == []


def test_subscriptions_are_bounded() -> None:
    """Requirement RUN-4: every input is bounded."""
    found = session()
    for number in range(SUBSCRIPTIONS * 2):
        found.note(message("resources/subscribe", uri=f"memo://{number}"))
    assert SUBSCRIPTIONS <= len(found.messages) <= SUBSCRIPTIONS + 3


def test_a_record_has_what_another_replica_needs() -> None:
    """Requirement STR-5: owner, secret and messages; the epoch is that of the claim."""
    found = session("ab" * 16)
    found.note(message("initialize", capabilities={}))
    copy = from_record("abc", found.record().encode(), epoch=3, number=9)
    assert (copy.owner, copy.secret, copy.messages, copy.epoch, copy.number) == (OWNER, "ab" * 16, found.messages, 3, 9)
    assert copy.position(found.event_id(5, "1")) == (5, "1")


def test_events_that_redis_did_not_take_are_bounded() -> None:
    """Requirement STR-6: the bounds of Redis hold in memory."""
    found = session()
    for number in range(KEPT_EVENTS * 2):
        found.keep(Event(number, "1", "x", ends=False, epoch=1))
    assert len(found.unsaved) == KEPT_EVENTS
    for number in range(4):
        found.keep(Event(number, "1", "x" * (KEPT_BYTES // 2), ends=False, epoch=1))
    assert sum(len(event.data) for event in found.unsaved) <= KEPT_BYTES
