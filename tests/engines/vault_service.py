"""The MCP server of the tests about callers: tools that not everybody may call."""

from mcp.server.mcpserver import Context

from meshed_mcp.agents import MCPService, caller_of

service = MCPService("vault")


@service.tool()
def read() -> str:
    """Open to every caller."""
    return "read"


@service.tool()
def delete() -> str:
    """Open to one caller."""
    return "deleted"


@service.tool()
def purge() -> str:
    """Open to nobody."""
    return "purged"


@service.tool()
def whoami(context: Context) -> str:
    """Say who calls."""
    return str(caller_of(context.request_context.request))


@service.tool()
def organization(context: Context) -> str:
    """Say which organization the sidecar vouches for."""
    request = context.request_context.request
    return "" if request is None else ",".join(request.headers.getlist("x-organization-id"))


if __name__ == "__main__":
    service.run()
