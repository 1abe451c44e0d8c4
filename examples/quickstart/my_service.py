"""Search in the titles of poems."""

from meshed_mcp.agents import MCPService

service = MCPService("mcp-search")


@service.tool()
def search(query: str) -> list[str]:
    """Poems that contain the query."""
    return [poem for poem in ("The Raven", "The Tyger", "Ozymandias") if query.lower() in poem.lower()]


if __name__ == "__main__":
    service.run()
