"""Notes of the users who are logged in."""

from mcp.server.mcpserver.exceptions import ToolError

from meshed_mcp.agents import MCPService

service = MCPService("mcp-notes")
notes: dict[str, list[str]] = {}


def owner() -> str:
    """The user of the request."""
    if service.current_caller.subject is None:
        raise ToolError("log in to have notes")
    return service.current_caller.subject


@service.tool()
def list_notes() -> list[str]:
    """Your notes."""
    return notes.get(owner(), [])


@service.tool()
def add_note(text: str) -> str:
    """Add a note."""
    mine = notes.setdefault(owner(), [])
    mine.append(text)
    return f"note {len(mine)} of {owner()}"


if __name__ == "__main__":
    service.run()
