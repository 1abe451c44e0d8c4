"""A service whose constructor sets up tokens by itself, as the SDK documents."""

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from meshed_mcp.agents import MCPService


class Nobody:
    """Accepts no token."""

    async def verify_token(self, token: str) -> AccessToken | None:  # noqa: ARG002 - the SDK's protocol
        """Refuse."""
        return None


service = MCPService(
    "own-auth",
    token_verifier=Nobody(),
    auth=AuthSettings(
        issuer_url=AnyHttpUrl("https://login.example.com"),
        resource_server_url=AnyHttpUrl("https://mcp.example.com/own"),
        validate_token_resource=True,
    ),
)

if __name__ == "__main__":
    service.run()
