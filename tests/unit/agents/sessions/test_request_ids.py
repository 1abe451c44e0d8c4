"""Ids of server-initiated requests after a takeover: marked with the replica, and useless for another one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.agents.sessions.request_ids import incoming, is_response, outgoing

IDS = st.one_of(st.integers(-(2**53), 2**53), st.text(max_size=30))


def event(message: dict[str, Any]) -> bytes:
    """An event of a stream. Source: WHATWG HTML, "Server-sent events"."""
    return b"id: 7\r\nevent: message\r\ndata: " + json.dumps(message).encode() + b"\r\n\r\n"


def data_of(chunk: bytes) -> Any:
    """The message of an event."""
    (line,) = [line for line in chunk.splitlines() if line.startswith(b"data: ")]
    return json.loads(line.removeprefix(b"data: "))


@pytest.mark.property
@given(IDS, st.integers(2, 10**6))
def test_the_id_of_a_request_returns_to_the_replica_that_sent_it(number: int | str, epoch: int) -> None:
    """JSON-RPC 2.0, section 5: the response has the id of the request, with its type."""
    chunk = outgoing(event({"jsonrpc": "2.0", "id": number, "method": "ping"}), epoch)
    assert chunk.startswith(b"id: 7\r\nevent: message\r\ndata: ")
    assert chunk.endswith(b"}\r\n\r\n")
    answered = incoming({"jsonrpc": "2.0", "id": data_of(chunk)["id"], "result": {}}, epoch)
    assert answered is not None
    assert json.loads(answered) == {"jsonrpc": "2.0", "id": number, "result": {}}


@pytest.mark.property
@given(IDS, st.integers(2, 10**6), st.integers(1, 10**6))
def test_an_answer_to_another_replica_is_dropped(number: int | str, epoch: int, other: int) -> None:
    """Requirement STR-5: neither the marked id of another replica nor a plain one answers a question of this one."""
    marked = data_of(outgoing(event({"id": number, "method": "ping"}), epoch + other))["id"]
    assert incoming({"id": marked, "result": {}}, epoch) is None
    assert incoming({"id": 1, "result": {}}, epoch) is None


@pytest.mark.parametrize("text", ["2:", "2:x", "2", "", ":", "02:1", "2:1:1", None, [1], {"a": 1}, 2.5, True])
def test_an_invented_id_answers_nothing(text: object) -> None:
    """Requirement STR-5: a client cannot write the id of a question that it was not asked."""
    assert incoming({"id": text, "result": {}}, 2) is None


@pytest.mark.parametrize(
    "chunk",
    [
        event({"jsonrpc": "2.0", "id": 1, "result": {}}),
        event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": 'a "method" of "id"'}}),
        b": ping\r\n\r\n",
        b'data: "method" {\r\n\r\n',
        b"",
    ],
)
def test_everything_but_requests_passes_as_it_is(chunk: bytes) -> None:
    """MCP 2025-11-25: responses keep the client's ids; notifications have none."""
    assert outgoing(chunk, 2) == chunk


def test_the_cancellation_of_a_question_names_it_as_the_client_knows_it() -> None:
    """MCP 2025-11-25, "Cancellation": `requestId`."""
    params = {"requestId": 4, "reason": "late"}
    found = data_of(outgoing(event({"method": "notifications/cancelled", "params": params}), 3))
    assert found["params"] == {"requestId": "3:4", "reason": "late"}


def test_responses_differ_from_requests_and_notifications() -> None:
    """JSON-RPC 2.0, sections 4 and 5."""
    assert is_response({"id": 1, "result": {}})
    assert is_response({"id": 1, "error": {}})
    assert not is_response({"id": 1, "method": "ping"})
    assert not is_response({"method": "notifications/initialized"})
    assert not is_response([{"id": 1, "result": {}}])
    assert not is_response(None)
