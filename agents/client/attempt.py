"""Outcome of one attempt of a call, as the HTTP client sees it.

The SDK's errors do not say whether a response was lost. The HTTP client (http_client.py) finds the attempt in a context
variable, which the SDK carries from a call to its requests.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx2
from mcp.client.streamable_http import MCP_SESSION_ID


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

    retry_after_seconds: float = 0.0
    """Value of the server's Retry-After."""

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
