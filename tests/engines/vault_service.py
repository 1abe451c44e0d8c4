"""MCP server of the caller tests, with tools for single callers."""

from mcp.server.mcpserver import Context

from meshed_mcp.agents import MCPService, caller_of

service = MCPService("vault")


@service.tool()
def read() -> str:
    """Every caller is authorized."""
    return "read"


@service.tool()
def delete() -> str:
    """One caller is authorized."""
    return "deleted"


@service.tool()
def purge() -> str:
    """No caller is authorized."""
    return "purged"


@service.tool()
def whoami(context: Context) -> str:
    """Return the caller."""
    return str(caller_of(context.request_context.request))


@service.tool()
def organization(context: Context) -> str:
    """Return the organization in the header of the sidecar."""
    request = context.request_context.request
    return "" if request is None else ",".join(request.headers.getlist("x-organization-id"))


if __name__ == "__main__":
    service.run()
