"""Errors of calls that got no response of the upstream."""

import mcp_types
from mcp.shared.exceptions import MCPError


class UpstreamError(MCPError):
    """The upstream did not respond; the caller gets JSON-RPC's internal error with a text. `reason` is a metric label.

    Source: MCP 2026-07-28, "Error Codes": those from -32000 to -32019 should not be used.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(code=mcp_types.INTERNAL_ERROR, message=text)
        self.reason = reason


def innermost(error: BaseException) -> BaseException:
    """Return the error inside exception groups of one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
