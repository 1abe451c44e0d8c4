"""A service whose constructor configures token verification itself, as the SDK documents."""

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from meshed_mcp.agents import MCPService


class RejectingVerifier:
    """Token verifier that accepts no token."""

    async def verify_token(self, token: str) -> AccessToken | None:  # noqa: ARG002 - the SDK's protocol
        """Return None: the token is invalid."""
        return None


service = MCPService(
    "own-auth",
    token_verifier=RejectingVerifier(),
    auth=AuthSettings(
        issuer_url=AnyHttpUrl("https://login.example.com"),
        resource_server_url=AnyHttpUrl("https://mcp.example.com/own"),
        validate_token_resource=True,
    ),
)

if __name__ == "__main__":
    service.run()
