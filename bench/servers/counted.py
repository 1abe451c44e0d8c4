"""A service that notes every execution: a line with the call's token in a file per process, in the folder COUNTS."""

import os
from pathlib import Path

import anyio

from meshed_mcp.agents import MCPService

service = MCPService(os.environ["MESHED_MCP_SERVICE"])
executions = (Path(os.environ["COUNTS"]) / str(os.getpid())).open("a", buffering=1)


@service.tool()
async def count(token: str, milliseconds: int = 0) -> str:
    """Note the token, work for a while, and say which version and replica did."""
    executions.write(f"{token}\n")
    await anyio.sleep(milliseconds / 1000)
    return f"{token} {os.environ['VERSION']} {os.environ['MESHED_MCP_BIND_ADDRESS']}"


if __name__ == "__main__":
    service.run()
