"""A service with a call that lasts one second."""

import asyncio

from meshed_mcp.agents import MCPService

service = MCPService("mcp-sleeping")


@service.tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


@service.tool()
async def sleep_a_second() -> str:
    """Return after a second."""
    await asyncio.sleep(1)
    return "slept"


if __name__ == "__main__":
    service.run()
