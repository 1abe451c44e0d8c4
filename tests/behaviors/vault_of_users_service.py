"""A service whose tools use and revoke the caller's credentials at two providers."""

from meshed_mcp.agents import MCPService

service = MCPService("mcp-vault")


@service.tool()
async def notes() -> str:
    """Return the token, which a real tool would send to the provider."""
    return await service.user_credential("notes")


@service.tool()
async def key() -> str:
    """Return the key that the user has pasted."""
    return await service.user_credential("search")


@service.tool()
async def forget(name: str) -> bool:
    """Revoke a credential of the caller."""
    return await service.revoke_user_credential(name)


@service.tool()
async def unknown() -> str:
    """Ask for a provider that the stack does not have."""
    return await service.user_credential("nowhere")


if __name__ == "__main__":
    service.run()
