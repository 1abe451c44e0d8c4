"""Error of a call of another service: a tool error for the model, a log line and a metric for the operator.

Inside a tool the SDK passes an `MCPError` on as a protocol error of the *calling* service. The outer client would read
internal URLs, and "Unknown tool" about a tool that exists. A tool error becomes a result with `is_error`.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import anyio
import httpx2
from mcp import MCPError
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT
from pydantic import ValidationError

from meshed_mcp import contract

MAX_DETAIL_CHARACTERS: Final = 500  # characters of an error's text that a log line repeats
UNNAMED: Final = "the called service"  # name of a service whose URL has an IP address
logger = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why a call of another service failed; label values."""

    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    DENIED = "denied"
    UNAUTHENTICATED = "unauthenticated"
    ERROR_RESPONSE = "error_response"
    INVALID_RESPONSE = "invalid_response"
    FAILED = "failed"


_TEXTS: Final = {
    Reason.TIMEOUT: "{service} did not respond in time. The call of {tool} may have taken effect.",
    Reason.UNAVAILABLE: "{service} is not available at the moment. Try again later.",
    Reason.DENIED: "{service} does not allow this service to call {tool}.",
    Reason.UNAUTHENTICATED: "This service has no credentials for {service}, so {tool} was not called.",
    Reason.ERROR_RESPONSE: "{service} rejected the call of {tool}.",
    Reason.INVALID_RESPONSE: "{service} returned an invalid response to the call of {tool}.",
    Reason.FAILED: "The call of {tool} at {service} failed.",
}
"""Messages for the model. They reveal no addresses and no text of the destination."""

_BY_CODE: Final = {
    REQUEST_TIMEOUT: Reason.TIMEOUT,
    CONNECTION_CLOSED: Reason.UNAVAILABLE,
    contract.FORBIDDEN: Reason.DENIED,
    contract.UNAUTHENTICATED: Reason.UNAUTHENTICATED,
}
_STREAM_ERRORS: Final = (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream)
_BY_TYPE: Final[tuple[tuple[tuple[type[Exception], ...], Reason], ...]] = (
    ((TimeoutError, httpx2.TimeoutException), Reason.TIMEOUT),
    ((httpx2.HTTPError, OSError, *_STREAM_ERRORS), Reason.UNAVAILABLE),
    ((ValidationError,), Reason.INVALID_RESPONSE),
)


class DestinationError(ToolError, ResourceError):
    """A call of another service failed. Its message is for a model: one line without addresses.

    It ends a tool with an `is_error` result and a resource read with an error. It is logged and counted when raised.
    """

    def __init__(self, text: str, reason: Reason, detail: str, code: int | None) -> None:
        super().__init__(text)
        self.reason = reason
        self.detail = detail
        """Original error in one line for logs; it can name internal addresses."""
        self.code = code
        """JSON-RPC code of a protocol error (MCPError), else None."""


@contextmanager
def destination_errors(
    target: str, tool: str, count: Callable[[Reason], None], kinds: type[Exception] = Exception
) -> Iterator[None]:
    """Convert errors of `kinds` in the block to DestinationError; `target` is a URL or a registry name."""
    try:
        yield
    except DestinationError:
        raise
    except kinds as error:
        raise _destination_error(error, target, tool, count) from error


def _destination_error(error: Exception, target: str, tool: str, count: Callable[[Reason], None]) -> DestinationError:
    first = _first_error(error)
    reason, detail = failure_reason(first), _one_line(first)
    count(reason)
    unexpected = error if reason is Reason.FAILED else None
    logger.warning("%s: the call of %s failed (%s): %s", redacted(target), tool, reason, detail, exc_info=unexpected)
    text = _TEXTS[reason].format(service=service_name(target), tool=tool)
    return DestinationError(text, reason, detail, first.code if isinstance(first, MCPError) else None)


def failure_reason(error: Exception) -> Reason:
    """Return the reason for an exception."""
    if isinstance(error, MCPError):
        return _BY_CODE.get(error.code, Reason.ERROR_RESPONSE)
    return next((reason for kinds, reason in _BY_TYPE if isinstance(error, kinds)), Reason.FAILED)


def service_name(target: str) -> str:
    """Return the service's name without domain, namespace and port, for a model."""
    name = (urlsplit(target).hostname or "") if "://" in target else target.rpartition("/")[2]
    try:
        ip_address(name)
    except ValueError:
        return name.partition(".")[0] or UNNAMED
    return UNNAMED


def redacted(target: str) -> str:
    """Return the target for logs: a URL without user, password and query."""
    if "://" not in target:
        return target
    parts = urlsplit(target)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _first_error(error: Exception) -> Exception:
    """Return the first error inside nested exception groups."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _one_line(error: Exception) -> str:
    """Return the error's text, with its type unless it is a protocol error."""
    text = error.message if isinstance(error, MCPError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:MAX_DETAIL_CHARACTERS].removesuffix(":")
