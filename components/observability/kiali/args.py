"""Arguments of Kiali: login strategy and Secrets.

What a user sees depends on their own permissions in Kubernetes (Roles mcp-viewer, mcp-operator, mcp-admin).
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import object_name
from meshed_mcp.components.observability.sizing.resources import Reservation
from meshed_mcp.error_codes.observability import LOGIN_IN_PLAINTEXT


class OpenIdLogin(Model):
    """Login with an identity provider that the API server trusts as well; users have their own permissions."""

    strategy: Literal["openid"]
    """`openid`."""

    issuer: str
    """URL of the identity provider; the API server's own `--oidc-issuer-url`."""

    client_id: str
    """Client ID of Kiali. The client secret is the key `oidc-secret` of the Secret `kiali`."""

    @field_validator("issuer")
    @classmethod
    def _is_https(cls, value: str) -> str:
        if not value.startswith("https://"):
            raise LOGIN_IN_PLAINTEXT.error(text=value)
        return value


class TokenLogin(Model):
    """Login with a Kubernetes token; users have its permissions."""

    strategy: Literal["token"]
    """`token`."""


class AnonymousLogin(Model):
    """No login: all users see the whole cluster with Kiali's permissions. For development only."""

    strategy: Literal["anonymous"]
    """`anonymous`."""


Login = Annotated[OpenIdLogin | TokenLogin | AnonymousLogin, Field(discriminator="strategy")]
"""Login strategy, selected by `strategy`."""


class KialiSettings(Model):
    """Kiali: graph, configuration and validation of the mesh."""

    login: Login = TokenLogin(strategy="token")
    """Login strategy."""

    signing_secret: Annotated[str, AfterValidator(object_name)] = "kiali-signing-key"  # noqa: S105 - a Secret's name
    """Secret in the stack's namespace whose key `key` signs sessions, 16, 24 or 32 characters; create it yourself. The
    chart's own key changes with every upgrade, which ends all sessions."""

    resources: Reservation = Reservation(cpu="50m", memory="256Mi")
