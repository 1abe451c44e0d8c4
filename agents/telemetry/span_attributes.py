"""Attributes that the SDK's server span lacks of the OpenTelemetry MCP conventions, and a span name of known words."""

from typing import Any

from opentelemetry.trace import get_current_span

from meshed_mcp import contract
from meshed_mcp.agents.telemetry.instruments import OTHER
from meshed_mcp.agents.telemetry.propagation import link_http_parent


def complete_server_span(request: Any, method: str, tool: str) -> None:
    """Add attributes and a link to the current span if it is sampled; `request` is None without HTTP (stdio).

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
