"""A server written with FastMCP, run by the Python of `make engines ENGINES=mcp-servers`. Argument: the port."""

import sys

from fastmcp import FastMCP  # type: ignore[import-not-found]
from fastmcp.server.dependencies import get_http_request  # type: ignore[import-not-found]

server = FastMCP("adder")


@server.tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool
def authorization() -> str:
    """Authorization header of the request."""
    return str(get_http_request().headers.get("authorization"))


if __name__ == "__main__":
    server.run(transport="http", host="127.0.0.1", port=int(sys.argv[1]))
