"""A service whose one tool writes a line to the log; run as a file."""

import logging

from meshed_mcp.agents import MCPService

service = MCPService("noting", version="1.0.0")


@service.tool()
def note(text: str) -> str:
    """Write a line, and say what was written."""
    logging.getLogger("notes").info("noted")
    return text


if __name__ == "__main__":
    service.run()
