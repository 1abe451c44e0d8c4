"""The MCP server of the tests about callers: tools that not everybody may call."""

from meshed_mcp.agents import MCPService

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


if __name__ == "__main__":
    service.run()
