"""MCP server of the sticky-session tests: returns its version and replica."""

import os

from meshed_mcp.agents import MCPService

service = MCPService(os.environ["MESHED_MCP_SERVICE"])


@service.tool()
def where() -> str:
    """Version and address of this replica."""
    return f"{os.environ['VERSION']} {os.environ['MESHED_MCP_BIND_ADDRESS']}"


if __name__ == "__main__":
    service.run()
