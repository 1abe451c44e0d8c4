"""The yardstick: the official SDK's server under uvicorn, silent, with nothing of ours. Argument: the port.

PARSER is uvicorn's of HTTP: `h11`, which comes with the SDK, or `httptools`, which must be installed beside it.
"""

import os
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
    uvicorn.run(app, port=int(sys.argv[1]), http=os.environ.get("PARSER", "h11"), access_log=False)
