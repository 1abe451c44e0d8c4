"""Calls that wait for the input of a 2026-07-28 client."""

import asyncio
from typing import Any

import pytest
from mcp import MCPError

from meshed_mcp.agents.bridge import held_calls as module
from meshed_mcp.agents.bridge.held_calls import HeldCall, HeldCalls

pytestmark = pytest.mark.anyio


class Stream:
    """A call in flight without a stream."""

    def continue_on(self, ctx: Any) -> None:
        """Ignore the stream."""


async def asking(held: HeldCall) -> dict[str, Any]:
    """A call that asks twice."""
    first = await held.ask("elicitation/create", {"message": "one"})
    second = await held.ask("roots/list", None)
    return {"found": [first, second]}


async def held_call(calls: HeldCalls, principal: str = "ada tools/call t") -> dict[str, Any]:
    """Begin a call and hold it."""
    call = HeldCall(asking, principal, Stream())
    result = await call.next_result()
    calls.hold(call)
    return result


async def test_each_request_of_the_upstream_is_a_round() -> None:
    """MCP 2026-07-28, "Multi Round-Trip Requests": requests by name, a state, and the result at the end."""
    calls = HeldCalls(lambda _: None)
    first = await held_call(calls)
    ((name, request),) = first["inputRequests"].items()
    assert request == {"method": "elicitation/create", "params": {"message": "one"}}
    call = calls.resume(first["requestState"], "ada tools/call t")
    call.answer({name: {"action": "accept"}})
    second = await call.next_result()
    ((name, request),) = second["inputRequests"].items()
    assert request == {"method": "roots/list"}
    call.answer({name: {"roots": []}})
    assert await call.next_result() == {"found": [{"action": "accept"}, {"roots": []}]}
    assert len(calls) == 0


async def test_a_request_without_a_response_is_repeated() -> None:
    """Requirement BRG-2: the client may answer in a later round."""
    calls = HeldCalls(lambda _: None)
    first = await held_call(calls)
    call = calls.resume(first["requestState"], "ada tools/call t")
    call.answer({})
    again = await call.next_result()
    assert again["inputRequests"] == first["inputRequests"]
    call.task.cancel()


@pytest.mark.parametrize("principal", ["eve tools/call t", "ada tools/call other"])
async def test_another_caller_or_replica_gets_a_clear_error(principal: str) -> None:
    """Requirement BRG-2: the state is bound to the caller and the replica."""
    lost: list[str] = []
    calls = HeldCalls(lost.append)
    first = await held_call(calls)
    with pytest.raises(MCPError, match="waits for no input here"):
        calls.resume(first["requestState"], principal)
    with pytest.raises(MCPError, match="Send the call again without requestState"):
        HeldCalls(lost.append).resume(first["requestState"], "ada tools/call t")
    assert lost == ["not_held", "not_held"]
    await calls.aclose()


async def test_the_number_of_held_calls_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement BRG-2: one more call is rejected and cancelled."""
    monkeypatch.setattr(module, "HELD_CALLS", 1)
    calls = HeldCalls(lambda _: None)
    await held_call(calls)
    with pytest.raises(MCPError, match="1 calls wait for input in this replica"):
        await held_call(calls)
    await calls.aclose()
    assert len(calls) == 0


async def test_a_held_call_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement BRG-2: the upstream's call is cancelled when the client does not return."""
    monkeypatch.setattr(module, "HELD_SECONDS", 0.01)
    calls, ended = HeldCalls(lambda _: None), asyncio.Event()

    async def work(held: HeldCall) -> dict[str, Any]:
        try:
            return await held.ask("roots/list", None)
        finally:
            ended.set()

    call = HeldCall(work, "ada", Stream())
    await call.next_result()
    calls.hold(call)
    async with asyncio.timeout(5):
        await ended.wait()
    assert len(calls) == 0
