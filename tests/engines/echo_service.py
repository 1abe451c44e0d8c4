"""MCP server of the local run's tests: returns its version, and that of another server."""

import os

from mcp import Client
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

from meshed_mcp.agents import MCPService

service = MCPService(os.environ["MESHED_MCP_SERVICE"])


@service.tool()
def who() -> str:
    """Return the version of this replica."""
    return os.environ["VERSION"]


@service.tool()
async def ask(url: str) -> str:
    """Return the version of another server, called as this service."""
    async with Client(url) as neighbor:
        result = await neighbor.call_tool("who", {})
    return str(result.structured_content["result"]) if result.structured_content else "no result"


@service.custom_route("/mcp/peer", ["GET"])
async def peer(request: Request) -> PlainTextResponse:
    """Return the client certificate header of the sidecar."""
    return PlainTextResponse(request.headers["x-forwarded-client-cert"])


@service.custom_route("/mcp/links", ["GET"])
async def links(request: Request) -> JSONResponse:
    """Return the URL of the request and of the service, as a client would follow them."""
    return JSONResponse([str(request.url), str(request.base_url)])


if __name__ == "__main__":
    service.run()
