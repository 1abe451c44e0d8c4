"""The form of a hostile request: bytes to send, and what they must lead to.

The lists: hostile_http.py, hostile_json.py, hostile_messages.py, hostile_tokens.py, each one layer further in. Requests
are templates: `{host}` and `{path}` are where they are sent to, `{token}` is made for there, so that one list serves a
bare process and a mesh.
To add a case, add an entry to a list: behaviors/test_hostile.py and engines/test_hostile_mesh.py run what is there.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from meshed_mcp import contract
from tests.local_issuer import Issuer

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"
META: Final = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
POST: Final = "POST {path} HTTP/1.1"
ECHO: Final = {"name": "echo", "arguments": {"text": "a"}}


class Then(Enum):
    """What the client does once its bytes are sent."""

    READ = "reads the answer"
    LEAVE = "closes the connection"
    LEAVE_WORK = "closes the connection once the call is in work"


@dataclass(frozen=True)
class Counter:
    """Series whose sum must rise: all of this name that have this label."""

    name: str
    label: str = ""


@dataclass(frozen=True)
class Hostile:
    """One request, what must come of it, and on whose authority."""

    name: str
    request: bytes
    status: int | None
    """None = no answer; the connection ends, or its client did not wait."""

    source: str
    counter: Counter | None
    """None = uvicorn answers 400 itself, or waits: one log line at most, and nothing is counted."""

    code: int | None = None
    """JSON-RPC code; None = no JSON-RPC error."""

    then: Then = Then.READ
    mesh: bool = True
    """False = behind proxies a process does not see this: they refuse, route or repair it themselves."""

    token: Callable[[Issuer, str], str] | None = None
    """Makes the request's `{token}`, for the resource of that address."""

    divergence: str = ""
    """What the specification would have instead, and why it stays."""

    parser: str = ""
    """What uvicorn's h11 parser makes of bytes that the specification wants to be rejected."""

    log_lines: int = 1
    """Lines that a process logs at most."""

    traceback: bool = False
    """uvicorn logs one."""

    def __str__(self) -> str:
        return self.name


def rejected(reason: str) -> Counter:
    """Refusals before the SDK's middleware."""
    return Counter(contract.METRIC_REJECTED, f'reason="{reason}"')


def operations(error: str) -> Counter:
    """Operations that ended with this `error_type`."""
    return Counter(f"{contract.METRIC_OPERATION_DURATION}_count", f'{contract.LABEL_ERROR}="{error}"')


def token_check(result: str) -> Counter:
    """Checks of tokens with this result."""
    return Counter(contract.METRIC_AUTHENTICATIONS, f'kind="token",result="{result}"')


def answered(status: int | None) -> Counter:
    """HTTP answers of a status that has no reason of its own; None = the client did not wait for one."""
    return Counter(f"{contract.METRIC_HTTP_DURATION}_count", f'http_response_status_code="{status or ""}"')


def http(body: bytes, headers: Mapping[str, str | None] | None = None, *, line: str = POST) -> bytes:
    """A request of this body; `headers` add to the usual ones, replace them, or leave them out (None)."""
    usual = {
        "Host": "{host}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    fields = {**usual, **(headers or {})}
    head = [line, *(f"{name}: {value}" for name, value in fields.items() if value is not None), "", ""]
    return "\r\n".join(head).encode() + body


def message(method: str, params: object, **more: Any) -> bytes:
    """A JSON-RPC request."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params, **more}).encode()


def modern(
    method: str = "tools/call",
    params: Mapping[str, Any] = ECHO,
    headers: Mapping[str, str | None] | None = None,
    line: str = POST,
    **more: Any,
) -> bytes:
    """A request of revision 2026-07-28 in which nothing is wrong but what the arguments say."""
    named = params.get("name", params.get("uri"))
    body = message(method, {"_meta": META, **params}, **more)
    return http(body, {**mirrored(method, named if isinstance(named, str) else None), **(headers or {})}, line=line)


def mirrored(method: str, name: str | None) -> dict[str, str | None]:
    """The headers of revision 2026-07-28 that repeat the body."""
    return {"MCP-Protocol-Version": MODERN, "Mcp-Method": method, "Mcp-Name": name}


def modern_bytes(body: bytes, method: str = "tools/call", name: str | None = "echo") -> bytes:
    """A request of revision 2026-07-28 whose body is just these bytes."""
    return http(body, mirrored(method, name))


def call_of(params: bytes) -> bytes:
    """A call's body with these bytes for its parameters."""
    return b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": %b}' % params


def legacy(method: str, params: object, **more: Any) -> bytes:
    """A request of revision 2025-11-25."""
    return http(message(method, params, **more), {"MCP-Protocol-Version": LEGACY})


def nested(depth: int) -> list[Any]:
    """Arrays in arrays."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value
