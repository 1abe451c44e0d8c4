"""Access control of one server: token verification, tool policy and identity middleware, as the settings say."""

from collections.abc import Callable
from typing import Any

from mcp.server import MCPServer
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from meshed_mcp import contract
from meshed_mcp.agents.auth.middleware import AuthenticationMetrics, IdentityMiddleware
from meshed_mcp.agents.auth.tokens import JWTVerifier, auth_settings, issuer_keys
from meshed_mcp.agents.auth.tool_policy_middleware import ToolPolicyMiddleware
from meshed_mcp.agents.settings import Settings, SettingsError
from meshed_mcp.error_codes.runtime import OWN_AUTH_AND_ISSUER


class AccessControl:
    """Access control of one server; it changes nothing while the settings configure nothing."""

    def __init__(self, registry: CollectorRegistry, *, is_tool: Callable[[str], bool]) -> None:
        self.tool_policy = ToolPolicyMiddleware(registry, is_tool=is_tool)
        self._metrics = AuthenticationMetrics(registry)
        self._own_auth: Any = None

    def configure(self, server: MCPServer[Any], settings: Settings) -> None:
        """Set the tool policy and the token verifier, before the application is created. Raises SettingsError."""
        self.tool_policy.policy = settings.tool_policy
        auth = auth_settings(settings)
        if auth is None:
            return
        if server.settings.auth not in (None, self._own_auth):
            raise SettingsError(OWN_AUTH_AND_ISSUER.message(variable=contract.ENV_AUTH_ISSUER))
        server.settings.auth = self._own_auth = auth
        server._token_verifier = JWTVerifier(  # noqa: SLF001 - a constructor argument that is known only now
            issuer_keys(settings), str(settings.auth_issuer), str(settings.auth_audience), self._metrics.token
        )

    def protect(self, app: Starlette, settings: Settings) -> None:
        """Add the identity middleware as the outermost middleware of the application."""
        app.add_middleware(IdentityMiddleware, settings=settings, metrics=self._metrics)
