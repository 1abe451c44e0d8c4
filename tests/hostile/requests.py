"""Hostile requests: the data model of a case, and builders of requests and expected counters.

`{host}`, `{path}` and `{token}` in a request are placeholders, so that one list serves a process and a mesh. To add a
case, add an entry to a list: behaviors/test_hostile.py and engines/test_hostile_mesh.py run all of them.
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


class AfterSending(Enum):
    """Action of the client after sending its bytes."""

    READ_RESPONSE = "reads the response"
    DISCONNECT = "closes the connection"
    DISCONNECT_DURING_CALL = "closes the connection while the call is in flight"


@dataclass(frozen=True)
class Counter:
    """Series of a counter, by name and label, whose sum must increase."""

    name: str
    label: str = ""


@dataclass(frozen=True)
class HostileRequest:
    """A request, its expected response, and the source of the rule."""

    name: str
    request: bytes
    status: int | None
    """None = no response: the server closes the connection, or the client disconnects."""

    source: str
    counter: Counter | None
    """None = uvicorn rejects the request itself or waits: one log line at most, and nothing is counted."""

    code: int | None = None
    """JSON-RPC code; None = no JSON-RPC error."""

    then: AfterSending = AfterSending.READ_RESPONSE
    mesh: bool = True
    """False = proxies reject, route or correct the request before the process."""

    token: Callable[[Issuer, str], str] | None = None
    """Returns the request's `{token}` for an audience."""

    divergence: str = ""
    """What the specification requires instead, and why the server differs."""

    parser: str = ""
    """How uvicorn's h11 parser interprets bytes that the specification rejects."""

    log_lines: int = 1
    """Maximum number of log lines."""

    traceback: bool = False
    """Whether uvicorn logs a traceback."""

    def __str__(self) -> str:
        return self.name


def rejected(reason: str) -> Counter:
    """Requests rejected before the SDK's middleware."""
    return Counter(contract.METRIC_REJECTED, f'reason="{reason}"')


def operations(error: str) -> Counter:
    """Operations that ended with this `error_type`."""
    return Counter(f"{contract.METRIC_OPERATION_DURATION}_count", f'{contract.LABEL_ERROR}="{error}"')


def token_check(result: str) -> Counter:
    """Checks of tokens with this result."""
    return Counter(contract.METRIC_AUTHENTICATIONS, f'kind="token",result="{result}"')


def responded(status: int | None) -> Counter:
    """HTTP responses with this status; None = the client disconnected."""
    return Counter(f"{contract.METRIC_HTTP_DURATION}_count", f'http_response_status_code="{status or ""}"')


def http(body: bytes, headers: Mapping[str, str | None] | None = None, *, line: str = POST) -> bytes:
    """Return a request; `headers` add to the defaults, replace them or remove them (None)."""
    defaults = {
        "Host": "{host}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    fields = {**defaults, **(headers or {})}
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
    """Return a request of revision 2026-07-28, valid except for the given parts."""
    named = params.get("name", params.get("uri"))
    body = message(method, {"_meta": META, **params}, **more)
    return http(
        body, {**mirrored_headers(method, named if isinstance(named, str) else None), **(headers or {})}, line=line
    )


def mirrored_headers(method: str, name: str | None) -> dict[str, str | None]:
    """Return the headers of revision 2026-07-28 that mirror the body."""
    return {"MCP-Protocol-Version": MODERN, "Mcp-Method": method, "Mcp-Name": name}


def modern_bytes(body: bytes, method: str = "tools/call", name: str | None = "echo") -> bytes:
    """Return a request of revision 2026-07-28 with these bytes as its body."""
    return http(body, mirrored_headers(method, name))


def call_body(params: bytes) -> bytes:
    """Return the body of a call with these bytes as its params."""
    return b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": %b}' % params


def legacy(method: str, params: object, **more: Any) -> bytes:
    """A request of revision 2025-11-25."""
    return http(message(method, params, **more), {"MCP-Protocol-Version": LEGACY})


def nested(depth: int) -> list[Any]:
    """Return nested arrays."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value
