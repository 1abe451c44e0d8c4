"""Calls that wait for the input of a 2026-07-28 client while an upstream up to 2025-11-25 waits for its response.

The upstream's server-initiated request becomes an input request, its call goes on in this replica, and the client's
retry resumes it. Source: MCP 2026-07-28, "Multi Round-Trip Requests".
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Mapping
from itertools import count
from typing import Any, Final, Protocol

import mcp_types
from mcp.shared.exceptions import MCPError

from meshed_mcp.agents.bridge.errors import UpstreamError
from meshed_mcp.agents.bridge.metrics import NOT_HELD
from meshed_mcp.agents.process.supervision import log_failure

HELD_CALLS: Final = 256  # most calls of a replica that wait for input
HELD_SECONDS: Final = 300.0
"""Longest wait of a call for input, in seconds; the upstream's call is then cancelled."""

TOKEN_BYTES: Final = 32  # entropy of a request state. Source: Python, `secrets`, "How many bytes should tokens use?"
INPUT_METHODS: Final = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}
"""Server-initiated request -> client capability. Source: MCP 2026-07-28, `InputRequest`."""

LOST: Final = (
    "This call waits for no input here: its replica has stopped, its time has passed, or the request reached another "
    "replica. Send the call again without requestState."
)


class Stream(Protocol):
    """The stream of a call in flight."""

    def continue_on(self, ctx: Any) -> None:
        """Use the stream of another request; None between two rounds."""


class HeldCall:
    """One call of the upstream that goes on beside the client's requests."""

    def __init__(
        self, work: Callable[["HeldCall"], Coroutine[Any, Any, dict[str, Any]]], principal: str, call: Stream
    ) -> None:
        self.call = call
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.principal = principal
        self._asked = asyncio.Event()
        self._names = count(1)
        self._questions: dict[str, tuple[dict[str, Any], asyncio.Future[dict[str, Any]]]] = {}
        self.task: asyncio.Task[dict[str, Any]] = asyncio.create_task(work(self), name="held call")

    async def ask(self, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
        """Wait for the client's result of one input request."""
        name = f"{method} {next(self._names)}"
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._questions[name] = ({"method": method, **({} if params is None else {"params": dict(params)})}, answer)
        self._asked.set()
        try:
            return await answer
        finally:
            self._questions.pop(name, None)

    def answer(self, responses: Mapping[str, Any]) -> None:
        """Resume with the client's results; requests without one are repeated in the next round."""
        for name, (_, answer) in list(self._questions.items()):
            if isinstance(found := responses.get(name), dict) and not answer.done():
                answer.set_result(found)
                del self._questions[name]

    async def next_result(self) -> dict[str, Any]:
        """Return the upstream's result, or the input requests. Raises what the call raises."""
        if self._questions:
            self._asked.set()
        else:
            self._asked.clear()
        # No supervisor: it ends with this wait.
        asked = asyncio.create_task(self._asked.wait(), name="input request")
        try:
            await asyncio.wait({self.task, asked}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self.task.cancel()
            raise
        finally:
            asked.cancel()
        if self.task.done():
            return self.task.result()
        requests = {name: request for name, (request, _) in self._questions.items()}
        return {"resultType": "input_required", "inputRequests": requests, "requestState": self.token}


class HeldCalls:
    """The calls of this replica that wait for input, bounded in number and time."""

    def __init__(self, on_lost: Callable[[str], None]) -> None:
        self._held: dict[str, tuple[HeldCall, asyncio.TimerHandle]] = {}
        self._on_lost = on_lost

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, call: HeldCall) -> None:
        """Keep the call for its next round. Raises UpstreamError at the limit."""
        if len(self._held) >= HELD_CALLS:
            call.task.cancel()
            text = f"{HELD_CALLS} calls wait for input in this replica. Send the call again later."
            raise UpstreamError(NOT_HELD, text)
        timer = asyncio.get_running_loop().call_later(HELD_SECONDS, self._expire, call)
        self._held[call.token] = (call, timer)

    def resume(self, token: str, principal: str) -> HeldCall:
        """Return the call and forget it. Raises MCPError for an unknown call and for one of another caller."""
        call, timer = self._held.get(token, (None, None))
        if call is None or timer is None or call.principal != principal:
            self._on_lost(NOT_HELD)
            raise MCPError(code=mcp_types.INVALID_PARAMS, message=LOST)
        timer.cancel()
        del self._held[token]
        return call

    def _expire(self, call: HeldCall) -> None:
        self._held.pop(call.token, None)
        call.task.cancel()
        call.task.add_done_callback(log_failure)

    async def aclose(self) -> None:
        """Cancel all calls."""
        for call, timer in list(self._held.values()):
            timer.cancel()
            call.task.cancel()
            await asyncio.wait({call.task})
        self._held.clear()
