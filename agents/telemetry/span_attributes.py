"""What the SDK's server span lacks of the OpenTelemetry MCP conventions, and what a stranger may not put into it.

In: the current span, the request and its clamped names. Out: attributes, a link, a bounded name; nothing unless kept.
Not here: the span itself, its parent and its status (the SDK), which spans are kept (tracing.py).
"""

from typing import Any, Final

from opentelemetry.trace import get_current_span

from meshed_mcp.agents.telemetry.instruments import OTHER
from meshed_mcp.agents.telemetry.propagation import link_http_parent

SESSION_HEADER: Final = "mcp-session-id"
"""Source: MCP 2025-11-25, "Session Management"; later revisions have none."""


def complete_server_span(request: Any, method: str, tool: str) -> None:
    """Complete the current span; `request` is a Starlette request, None without HTTP (stdio).

    `method` and `tool` are names known beforehand or OTHER: the SDK names the span after what the client wrote, and
    whoever makes metrics of spans has a series for each name.
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
    if session := request.headers.get(SESSION_HEADER):
        span.set_attribute("mcp.session.id", session)
