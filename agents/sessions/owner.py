"""Owner of a session: the token and the mesh identity that opened it."""

from typing import NamedTuple

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context
from starlette.types import Scope

from meshed_mcp.agents.auth.identity import ACCESS_KEY, Access


class Owner(NamedTuple):
    """What every request of a session must repeat; all None without tokens and without a mesh."""

    client: str | None = None
    issuer: str | None = None
    subject: str | None = None
    principal: str | None = None
    """Mesh identity, as `Caller.principal`; behind a gateway that of the gateway."""


def owner_of(scope: Scope) -> Owner:
    """Return the owner that a request identifies. Source: SDK, `authorization_context`; agents/auth/identity.py."""
    user, access = scope.get("user"), scope.get(ACCESS_KEY)
    principal = access.principal if isinstance(access, Access) else None
    if not isinstance(user, AuthenticatedUser):
        return Owner(principal=principal)
    token = authorization_context(user)
    return Owner(token["client_id"], token["issuer"], token["subject"], principal)
