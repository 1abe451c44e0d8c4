"""The same tool on `MCPService`; the environment gives ports, tracing and sessions."""

import os

from meshed_mcp.agents import MCPService, legacy

service = MCPService("bench")

if "BENCH_SESSION_IDLE_SECONDS" in os.environ:  # half an hour is not to be waited for
    legacy.SESSION_IDLE_SECONDS = int(os.environ["BENCH_SESSION_IDLE_SECONDS"])  # type: ignore[misc]


@service.tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


if __name__ == "__main__":
    service.run()
