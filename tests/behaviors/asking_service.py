"""A service with state beyond one request: `order` asks back, `change` tells listeners."""

from typing import Annotated

from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import BaseModel

from meshed_mcp.agents import MCPService

service = MCPService("mcp-asking")


class Size(BaseModel):
    """What the caller is asked for."""

    size: int


async def ask_for_size(item: str) -> Elicit[Size]:
    """Ask back."""
    return Elicit(f"Which size of {item}?", Size)


@service.tool()
async def order(item: str, answer: Annotated[Size, Resolve(ask_for_size)]) -> str:
    """Order an item in the size that the caller names when asked."""
    return f"{item} in {answer.size}"


@service.tool()
async def change(what: str, context: Context) -> str:
    """Tell listeners of a change: "tools", "prompts", "resources", or the URI of a resource."""
    told = {
        "tools": context.notify_tools_changed,
        "prompts": context.notify_prompts_changed,
        "resources": context.notify_resources_changed,
    }
    await (told[what]() if what in told else context.notify_resource_updated(what))
    return what


if __name__ == "__main__":
    service.run()
