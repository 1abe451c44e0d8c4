"""HTTP client of the SDK's transport: error responses instead of exceptions, and the outcome of each attempt.

An exception from the HTTP client ends the SDK's transport with all its other calls and the task that opened it (seen
with mcp 2.3.0 when a server refuses the connection). The SDK's errors do not say whether a response was lost, so the
client records it in a context variable, which the SDK carries from a call to its requests.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import httpx2
from mcp.client.streamable_http import MCP_SESSION_ID
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR

from meshed_mcp import contract
from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.agents.telemetry.propagation import inject_trace_context

CONNECT_SECONDS: Final = 5.0  # timeout for a connection to the server or its sidecar
MAX_TEXT_CHARACTERS: Final = 200  # characters of a response body that an error repeats
EVENT_STREAM: Final = "text/event-stream"
JSON: Final = "application/json"


@dataclass
class Attempt:
    """All HTTP requests that the SDK sends for one attempt."""

    response_received: bool = False
    """A response, or the start of an event stream, arrived. A 503 and the 404 of a lost session do not count, because
    the server did not start the call."""

    failed: bool = False
    """A request got no complete response."""

    sent: bool = False
    """A request without a complete response may have reached the server: its connection was open."""

    unreachable: bool = False
    """The server refused the connection, or a proxy reported that it is down."""

    session_lost: bool = False
    """The server does not know the session, so it did nothing. Source: MCP 2025-11-25, "Session Management"."""

    credentials_error: str = ""
    """Why there was no token for a request, which was not sent; it can name internal addresses."""

    retry_after_seconds: float = 0.0
    """Value of the server's Retry-After."""

    def add(self, other: "Attempt") -> None:
        """Add what another one recorded."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) or getattr(other, each.name))

    def record_failure(self, error: httpx2.RequestError) -> None:
        """Record a request without a complete response."""
        refused = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
        self.failed = True
        self.sent |= not refused
        self.unreachable |= refused

    def record_response(self, response: httpx2.Response) -> None:
        """Record a response, or the start of an event stream."""
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            self.failed = self.sent = self.unreachable = True
            self.retry_after_seconds = _seconds(response.headers.get("retry-after", ""))
        elif response.status_code == HTTPStatus.NOT_FOUND and MCP_SESSION_ID in response.request.headers:
            self.sent = self.session_lost = True
        else:
            self.response_received = True


_current: Final[ContextVar[Attempt | None]] = ContextVar("attempt", default=None)


def current_attempt() -> Attempt:
    """Return the attempt of this request; a discarded one outside `track_attempt`."""
    return _current.get() or Attempt()


@contextmanager
def track_attempt() -> Iterator[Attempt]:
    """Record every request of the block in an `Attempt`."""
    attempt = Attempt()
    token = _current.set(attempt)
    try:
        yield attempt
    finally:
        _current.reset(token)


def _seconds(retry_after: str) -> float:
    """Return the header in seconds, 0 if it is invalid. Source: RFC 9110, section 10.2.3: seconds or a date."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


class ServiceHTTPClient(httpx2.AsyncClient):
    """Connection pool that returns a 503 with a JSON-RPC error for an unreachable server.

    It honors the environment's proxy settings and sends the current trace context. Responses have no timeout here: the
    call's deadline ends them.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            event_hooks={"request": [inject_trace_context]},
            **options,
        )

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Return the server's response, read to the end unless it is an event stream."""
        attempt = current_attempt()
        try:
            response = await super().send(request, **options)
            if not response.headers.get("content-type", "").startswith(EVENT_STREAM):
                await response.aread()
        except httpx2.RequestError as error:
            attempt.record_failure(error)
            return _unavailable(request, error)
        except CredentialsError as error:
            return _without_token(request, error, attempt)
        attempt.record_response(response)
        return _with_json_error(response)


def _unavailable(request: httpx2.Request, error: httpx2.RequestError) -> httpx2.Response:
    reason = f"{type(error).__name__}: {error}".removesuffix(": ")
    message = f"no response from {_address(request)} ({reason})"
    return _error(request, HTTPStatus.SERVICE_UNAVAILABLE, CONNECTION_CLOSED, message)


def _without_token(request: httpx2.Request, error: CredentialsError, attempt: Attempt) -> httpx2.Response:
    """Response to a request that was not sent, because there is no token for it."""
    attempt.credentials_error = str(error)
    if error.unavailable:
        attempt.failed = attempt.unreachable = True
        return _error(request, HTTPStatus.SERVICE_UNAVAILABLE, CONNECTION_CLOSED, str(error))
    attempt.response_received = True  # another attempt would fail too
    return _error(request, HTTPStatus.UNAUTHORIZED, contract.UNAUTHENTICATED, str(error))


def _with_json_error(response: httpx2.Response) -> httpx2.Response:
    """Return the response; a text error, such as a proxy's, becomes a JSON-RPC error with that text."""
    if not response.is_error or response.headers.get("content-type", "").startswith((JSON, EVENT_STREAM)):
        return response
    text = " ".join(response.text.split())[:MAX_TEXT_CHARACTERS]
    message = f"{_address(response.request)} returned {response.status_code}: {text}".removesuffix(": ")
    return _error(response.request, response.status_code, INTERNAL_ERROR, message)


def _error(request: httpx2.Request, status: int, code: int, message: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return httpx2.Response(status, json=body, request=request)


def _address(request: httpx2.Request) -> httpx2.URL:
    return request.url.copy_with(userinfo=b"", query=None)
