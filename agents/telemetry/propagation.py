"""W3C trace context in HTTP headers, in addition to the one in MCP's `_meta`, and attributes of the server span.

Proxies read and write the header, the SDK reads and writes `_meta`. The parent of the server's span is the sender's
span in `_meta`, with the last proxy's span of the header as a link; without `_meta` the header is the parent.
Source: OpenTelemetry MCP conventions, "Context propagation". Not here: spans and their export (tracing.py).
"""

import re
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, Final, Protocol

from opentelemetry import context as context_api
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

from meshed_mcp import contract
from meshed_mcp.agents.telemetry.instruments import OTHER

_W3C: Final = TraceContextTextMapPropagator()
TRACEPARENT: Final = "traceparent"
UNSAMPLED: Final = f"00-{1:032x}-{1:016x}-00"
"""Trace context of an unsampled trace. Source: W3C Trace Context, section 3.2.2.5, flag `sampled` unset."""

_VERSION_00: Final = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_FIELDS: Final = frozenset(name.encode() for name in _W3C.fields)
_http_parent: ContextVar[SpanContext | None] = ContextVar("http_parent", default=None)


class Outgoing(Protocol):
    """Request of httpx or httpx2 before it is sent."""

    @property
    def headers(self) -> MutableMapping[str, str]:
        """Header fields."""


async def inject_trace_context(request: Outgoing) -> None:
    """Add the current span to the headers; an event hook: `AsyncClient(event_hooks={"request": [this]})`.

    Outside a span the headers mark the trace as unsampled; otherwise each proxy would start a trace of its own.
    """
    _W3C.inject(request.headers)
    if TRACEPARENT not in request.headers:
        request.headers[TRACEPARENT] = UNSAMPLED


class HTTPParent:
    """Runs its block in the trace of an ASGI request's headers, if they have one."""

    __slots__ = ("_context", "_fields", "_parent")

    def __init__(self, scope: Scope) -> None:
        self._fields = [field for field in scope["headers"] if field[0] in _FIELDS]

    def __enter__(self) -> None:
        if self._fields:
            inherited = extract_context(self._fields)
            self._parent = _http_parent.set(get_current_span(inherited).get_span_context())
            self._context = context_api.attach(inherited)

    def __exit__(self, *_: object) -> None:
        if self._fields:
            context_api.detach(self._context)
            _http_parent.reset(self._parent)


def extract_context(fields: list[tuple[bytes, bytes]]) -> Context:
    """Return the context of header fields; the usual single `traceparent` of version 00 takes half the time."""
    (name, value), *others = fields
    if name == b"traceparent" and not others and (match := _VERSION_00.fullmatch(value)):
        trace_id, span_id, flags = (int(part, 16) for part in match.groups())
        if trace_id and span_id:
            parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
            return set_span_in_context(NonRecordingSpan(parent), Context())
    return _W3C.extract({name.decode("latin-1"): value.decode("latin-1") for name, value in fields})


def current_http_parent() -> SpanContext | None:
    """Return the span in the headers of the current request; None outside a request or without a valid header."""
    found = _http_parent.get()
    return found if found is not None and found.is_valid else None


def link_http_parent(span: Span) -> None:
    """Link `span` to the span in the headers unless that is its parent."""
    carried = current_http_parent()
    parent = getattr(span, "parent", None)
    if carried is not None and span.is_recording() and (parent is None or parent.span_id != carried.span_id):
        span.add_link(carried)


def complete_server_span(request: Any, method: str, tool: str) -> None:
    """Add the attributes of the OpenTelemetry MCP conventions that the SDK's span lacks; no `request` without HTTP.

    `method` and `tool` are known names or OTHER. The SDK uses the client's text as the span name, and a collector that
    generates metrics from spans would have a series for each.
    """
    span = get_current_span()
    if not span.is_recording():
        return
    if OTHER in {method, tool}:
        span.update_name(f"{method} {tool}".rstrip())
        span.set_attributes({"mcp.method.name": method, **({"gen_ai.tool.name": tool} if tool else {})})
    if request is None:
        span.set_attribute("network.transport", "pipe")
        return
    link_http_parent(span)
    span.set_attributes(
        {
            "network.transport": "tcp",
            "network.protocol.name": "http",
            "network.protocol.version": request.scope["http_version"],
        }
    )
    if session := request.headers.get(contract.SESSION_HEADER):
        span.set_attribute("mcp.session.id", session)
