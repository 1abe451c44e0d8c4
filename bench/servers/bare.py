"""The yardstick: the official SDK's server under uvicorn with its h11 protocol, silent. Argument: the port."""

import sys

import uvicorn
from mcp.server import MCPServer

server = MCPServer("bench", log_level="WARNING")


@server.tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


if __name__ == "__main__":
    app = server.streamable_http_app(stateless_http=True)
    uvicorn.run(app, port=int(sys.argv[1]), http="h11", access_log=False)
