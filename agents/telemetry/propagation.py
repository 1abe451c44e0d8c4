"""One trace across processes: the W3C context of HTTP headers, beside the one that MCP carries in `_meta`.

In: ASGI scopes and requests of an HTTP client. Out: the OpenTelemetry context of the code that runs for them.
Why both: proxies read and write the header, the SDK reads and writes `_meta`. The server's span has the sender's span
of `_meta` as its parent, and the last proxy's of the header as a link; without `_meta` the header is the parent.
Source: OpenTelemetry MCP conventions, "Context propagation". Not here: spans and their export (tracing.py).
"""

import re
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Final, Protocol

from opentelemetry import context as context_api
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

_W3C: Final = TraceContextTextMapPropagator()
TRACEPARENT: Final = "traceparent"
NOT_KEPT: Final = f"00-{1:032x}-{1:016x}-00"
"""A trace that nobody keeps. Source: W3C Trace Context, section 3.2.2.5, flag `sampled` unset."""

_VERSION_00: Final = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_FIELDS: Final = frozenset(name.encode() for name in _W3C.fields)
_http_parent: ContextVar[SpanContext | None] = ContextVar("http_parent", default=None)


class Outgoing(Protocol):
    """A request about to be sent, of httpx or httpx2."""

    @property
    def headers(self) -> MutableMapping[str, str]:
        """Its header fields."""


async def put_trace_on_headers(request: Outgoing) -> None:
    """Name the current span in the headers; an event hook: `AsyncClient(event_hooks={"request": [this]})`.

    Outside every span the headers say that nothing is kept, or each proxy on the way would begin a trace of its own.
    """
    _W3C.inject(request.headers)
    if TRACEPARENT not in request.headers:
        request.headers[TRACEPARENT] = NOT_KEPT


class HTTPParent:
    """A block that runs within the trace that the headers of an ASGI request name, if they name one."""

    __slots__ = ("_context", "_fields", "_parent")

    def __init__(self, scope: Scope) -> None:
        self._fields = [field for field in scope["headers"] if field[0] in _FIELDS]

    def __enter__(self) -> None:
        if self._fields:
            inherited = extracted(self._fields)
            self._parent = _http_parent.set(get_current_span(inherited).get_span_context())
            self._context = context_api.attach(inherited)

    def __exit__(self, *_: object) -> None:
        if self._fields:
            context_api.detach(self._context)
            _http_parent.reset(self._parent)


def extracted(fields: list[tuple[bytes, bytes]]) -> Context:
    """Context of header fields; what proxies send, one `traceparent` of version 00 alone, takes half the time."""
    (name, value), *others = fields
    if name == b"traceparent" and not others and (match := _VERSION_00.fullmatch(value)):
        trace_id, span_id, flags = (int(part, 16) for part in match.groups())
        if trace_id and span_id:
            parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
            return set_span_in_context(NonRecordingSpan(parent), Context())
    return _W3C.extract({name.decode("latin-1"): value.decode("latin-1") for name, value in fields})


def current_http_parent() -> SpanContext | None:
    """The span that the headers of the current request name; None outside a request or without a valid header."""
    found = _http_parent.get()
    return found if found is not None and found.is_valid else None


def link_http_parent(span: Span) -> None:
    """Link the span to the one named by the headers, unless it is its parent already."""
    carried = current_http_parent()
    parent = getattr(span, "parent", None)
    if carried is not None and span.is_recording() and (parent is None or parent.span_id != carried.span_id):
        span.add_link(carried)
