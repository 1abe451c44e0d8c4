"""Arguments of Kiali: how people log in, and the secrets it reads.

Stack keys in, a frozen model out: one choice of log-in, tagged by `strategy`. Not here: what each person may see, which
is their own right in Kubernetes (the Roles mcp-viewer, mcp-operator, mcp-admin), chart values (release.py).
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import object_name
from meshed_mcp.components.observability.sizing.resources import Reservation
from meshed_mcp.error_codes.observability import LOGIN_IN_PLAINTEXT


class OpenIdLogin(Model):
    """People log in at an identity provider that the API server trusts too, so that their own rights hold."""

    strategy: Literal["openid"]
    """`openid`."""

    issuer: str
    """URL of the identity provider; the API server's own `--oidc-issuer-url`."""

    client_id: str
    """Kiali's name there. Its secret is the key `oidc-secret` of the Secret `kiali`."""

    @field_validator("issuer")
    @classmethod
    def _is_https(cls, value: str) -> str:
        if not value.startswith("https://"):
            raise LOGIN_IN_PLAINTEXT.error(text=value)
        return value


class TokenLogin(Model):
    """People paste a token of Kubernetes, whose rights hold."""

    strategy: Literal["token"]
    """`token`."""


class AnonymousLogin(Model):
    """Nobody logs in: everybody who reaches Kiali sees the whole cluster with its rights. For development."""

    strategy: Literal["anonymous"]
    """`anonymous`."""


Login = Annotated[OpenIdLogin | TokenLogin | AnonymousLogin, Field(discriminator="strategy")]
"""One of the ways, by its tag."""


class KialiSettings(Model):
    """Kiali: the mesh as a graph, its configuration and what is wrong with it."""

    login: Login = TokenLogin(strategy="token")
    """How people log in."""

    signing_secret: Annotated[str, AfterValidator(object_name)] = "kiali-signing-key"  # noqa: S105 - a Secret's name
    """Secret in the stack's namespace whose key `key` signs sessions, 16, 24 or 32 characters; made elsewhere. The
    chart would draw another at every upgrade, which ends all sessions."""

    resources: Reservation = Reservation(cpu="50m", memory="256Mi")
