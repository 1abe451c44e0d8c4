"""A service with state beyond one request: `order` asks the user (elicitation), `change` notifies subscribers."""

from typing import Annotated

from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import BaseModel

from meshed_mcp.agents import MCPService

service = MCPService("mcp-asking")


class Size(BaseModel):
    """Answer of the user."""

    size: int


async def ask_for_size(item: str) -> Elicit[Size]:
    """Request an elicitation."""
    return Elicit(f"Which size of {item}?", Size)


@service.tool()
async def order(item: str, answer: Annotated[Size, Resolve(ask_for_size)]) -> str:
    """Order an item in the size that the user answers."""
    return f"{item} in {answer.size}"


@service.tool()
async def change(what: str, context: Context) -> str:
    """Notify subscribers of a change: "tools", "prompts", "resources", or the URI of a resource."""
    notifications = {
        "tools": context.notify_tools_changed,
        "prompts": context.notify_prompts_changed,
        "resources": context.notify_resources_changed,
    }
    await (notifications[what]() if what in notifications else context.notify_resource_updated(what))
    return what


if __name__ == "__main__":
    service.run()
