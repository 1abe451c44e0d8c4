"""The yardstick: the official SDK's server under uvicorn, silent, with nothing of ours. Argument: the port."""

import sys

import uvicorn
from mcp.server import MCPServer

server = MCPServer("bench", log_level="WARNING")


@server.tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


if __name__ == "__main__":
    uvicorn.run(server.streamable_http_app(stateless_http=True), port=int(sys.argv[1]), access_log=False)
