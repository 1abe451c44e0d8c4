"""What the HTTP client reported of one try of a call; the SDK's errors do not say whether a response was lost.

In: responses and exceptions of the connections (connections.py), found by a context variable that the SDK carries from
a call to its request. Out: whether the request was sent, and whether its response is known.
Not here: whether a call may be sent again (service_client.py asks the tool's annotations).
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
    """One try: all HTTP requests that the SDK makes for it."""

    answered: bool = False
    """A response is known, for any of its requests; of an event stream its beginning. A 503 is none: the server that
    sends it did not begin the call; neither is the 404 of a lost session."""

    failed: bool = False
    """A request has no whole response."""

    sent: bool = False
    """A request that has no whole response may have reached the peer: its connection was open."""

    unreachable: bool = False
    """The peer refused the connection, or a proxy before it reported that it is down."""

    session_lost: bool = False
    """The peer does not know the session any more, so it did nothing. Source: MCP 2025-11-25, "Session Management"."""

    retry_after_seconds: float = 0.0
    """How long the peer asks to be left alone."""

    def broke(self, error: httpx2.RequestError) -> None:
        """Note a request that ended without a whole response."""
        refused = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
        self.failed = True
        self.sent |= not refused
        self.unreachable |= refused

    def got(self, response: httpx2.Response) -> None:
        """Note a response; of an event stream its beginning."""
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            self.failed = self.sent = self.unreachable = True
            self.retry_after_seconds = _seconds(response.headers.get("retry-after", ""))
        elif response.status_code == HTTPStatus.NOT_FOUND and MCP_SESSION_ID in response.request.headers:
            self.sent = self.session_lost = True
        else:
            self.answered = True


_current: Final[ContextVar[Attempt | None]] = ContextVar("attempt", default=None)


def current_attempt() -> Attempt:
    """Return the try that this request belongs to; one that nobody reads for requests outside a call."""
    return _current.get() or Attempt()


@contextmanager
def observed() -> Iterator[Attempt]:
    """Return an `Attempt` that sees every request made inside the block."""
    attempt = Attempt()
    token = _current.set(attempt)
    try:
        yield attempt
    finally:
        _current.reset(token)


def _seconds(retry_after: str) -> float:
    """Value of the header in seconds, 0 when it has none. Source: RFC 9110, section 10.2.3: seconds or a date."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
