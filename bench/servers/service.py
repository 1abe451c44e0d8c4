"""The same tool on `MCPService`; the environment sets ports, tracing and sessions."""

from meshed_mcp.agents import MCPService

service = MCPService("bench")


@service.tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


if __name__ == "__main__":
    service.run()
