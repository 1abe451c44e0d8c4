"""MCP server with one tool that writes a log line."""

import logging

from meshed_mcp.agents import MCPService

service = MCPService("noting", version="1.0.0")


@service.tool()
def note(text: str) -> str:
    """Write a log line and return it."""
    logging.getLogger("notes").info("noted")
    return text


if __name__ == "__main__":
    service.run()
