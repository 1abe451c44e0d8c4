"""A service whose tools return `current_caller`; with the argument `stdio` it serves the SDK's stdio transport."""

import asyncio
import sys
from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token

from meshed_mcp.agents import MCPService

service = MCPService("mcp-caller")


def caller() -> dict[str, Any]:
    """The caller as JSON."""
    found = service.current_caller
    return {
        "principal": found.principal,
        "subject": found.subject,
        "scopes": sorted(found.scopes),
        "organization": found.organization,
        "actors": list(found.actors),
    }


@service.tool()
def in_a_thread() -> dict[str, Any]:
    """Return the caller from a worker thread."""
    return caller()


@service.tool()
async def in_a_task() -> dict[str, Any]:
    """Return the caller from a task that the tool starts."""

    async def work() -> dict[str, Any]:
        return caller()

    return await asyncio.create_task(work())


@service.tool()
def scopes_of_the_sdk() -> list[str]:
    """Return the scopes of the SDK's access token."""
    token = get_access_token()
    return [] if token is None else token.scopes


@service.resource("caller://me")
def resource() -> str:
    """The subject."""
    return str(service.current_caller.subject)


if __name__ == "__main__":
    if "stdio" in sys.argv:
        service.run("stdio")
    else:
        service.run()
