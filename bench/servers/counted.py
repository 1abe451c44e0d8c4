"""A service that records every execution: a line with the call's token in a file per process, in the folder COUNTS."""

import os
from pathlib import Path

import anyio

from meshed_mcp.agents import MCPService

service = MCPService(os.environ["MESHED_MCP_SERVICE"])
executions = (Path(os.environ["COUNTS"]) / str(os.getpid())).open("a", buffering=1)


@service.tool()
async def count(token: str, milliseconds: int = 0) -> str:
    """Record the token, work for a while, and return version and replica."""
    executions.write(f"{token}\n")
    await anyio.sleep(milliseconds / 1000)
    return f"{token} {os.environ['VERSION']} {os.environ['MESHED_MCP_BIND_ADDRESS']}"


if __name__ == "__main__":
    service.run()
