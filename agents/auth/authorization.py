"""Who may do what, composed for one service: tokens by the SDK, the tool policy as its middleware, a border around it.

In: a server and its settings. Out: the same server, protected as the environment says; nothing when it says nothing.
Not here: the parts (identity*.py, policy*.py, audit.py).
"""

from collections.abc import Callable
from typing import Any

from mcp.server import MCPServer
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from meshed_mcp import contract
from meshed_mcp.agents.auth.middleware import Authentications, Border
from meshed_mcp.agents.auth.tokens import JWTVerifier, auth_settings, issuer_keys
from meshed_mcp.agents.auth.tool_policy_middleware import ToolGuard
from meshed_mcp.agents.settings import Settings, SettingsError
from meshed_mcp.error_codes.runtime import OWN_AUTH_AND_ISSUER


class AccessControl:
    """The access control of one server."""

    def __init__(self, registry: CollectorRegistry, *, is_tool: Callable[[str], bool]) -> None:
        self.guard = ToolGuard(registry, is_tool=is_tool)
        self._checks = Authentications(registry)
        self._own_auth: Any = None

    def configure(self, server: MCPServer[Any], settings: Settings) -> None:
        """Set policy and token check, before the application is made. Raises SettingsError."""
        self.guard.policy = settings.tool_policy
        auth = auth_settings(settings)
        if auth is None:
            return
        if server.settings.auth not in (None, self._own_auth):
            raise SettingsError(OWN_AUTH_AND_ISSUER.message(variable=contract.ENV_AUTH_ISSUER))
        server.settings.auth = self._own_auth = auth
        server._token_verifier = JWTVerifier(  # noqa: SLF001 - the constructor's argument, known only now
            issuer_keys(settings), str(settings.auth_issuer), str(settings.auth_audience), self._checks.token
        )

    def protect(self, app: Starlette, settings: Settings) -> None:
        """Put the border around an application, outside every middleware it has by now."""
        app.add_middleware(Border, settings=settings, checks=self._checks)
