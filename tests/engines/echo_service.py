"""The MCP server of the local run's tests: says who it is, and asks its neighbor who that is."""

import os

from mcp import Client
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from meshed_mcp.agents import MCPService

service = MCPService(os.environ["MESHED_MCP_SERVICE"])


@service.tool()
def who() -> str:
    """Name this replica's version."""
    return os.environ["VERSION"]


@service.tool()
async def ask(url: str) -> str:
    """Ask another server who it is, as this service."""
    async with Client(url) as neighbor:
        result = await neighbor.call_tool("who", {})
    return str(result.structured_content["result"]) if result.structured_content else "nobody"


@service.custom_route("/mcp/peer", ["GET"])
async def peer(request: Request) -> PlainTextResponse:
    """Repeat what the sidecar says about the peer."""
    return PlainTextResponse(request.headers["x-forwarded-client-cert"])


if __name__ == "__main__":
    service.run()
