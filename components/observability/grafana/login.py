"""Log-in to Grafana by an identity provider, with the roles of the platform: settings and groups in, chart values out.

Not here: the rest of Grafana's values (`values.py`), what the roles may do in Kubernetes (the mesh's Roles).
Source: Grafana 13, "Configure generic OAuth authentication"; role_attribute_path is JMESPath.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.names import listed, object_name
from meshed_mcp.error_codes.observability import LOGIN_IN_PLAINTEXT, NO_ADMIN_ROLE, UNKNOWN_ROLE

ENV_CLIENT_SECRET: Final = "GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET"  # noqa: S105 - the name of a variable
"""Source: Grafana, "Override configuration with environment variables"."""

CLIENT_SECRET_KEY: Final = "client-secret"  # noqa: S105 - the name of a key

PLATFORM_ROLES: Final = ("mcp-admin", "mcp-operator", "mcp-viewer")
"""The platform's roles, the mightiest first: of several roles of one person it holds."""

GrafanaRole = Literal["Viewer", "Editor", "Admin"]
"""Roles in an organization of Grafana."""

DEFAULT_ROLES: Final[Mapping[str, GrafanaRole]] = {
    "mcp-viewer": "Viewer",
    "mcp-operator": "Editor",
    "mcp-admin": "Admin",
}


def https_address(text: str) -> str:
    """`text` as it is, if log-ins are safe on the way there. Raises ValueError with what to write instead."""
    if urlsplit(text).scheme != "https" or not urlsplit(text).hostname:
        raise LOGIN_IN_PLAINTEXT.error(text=text)
    return text


class GrafanaLogin(Model):
    """People log in at an identity provider (OpenID Connect), and are what its groups make them."""

    auth_url: Annotated[str, AfterValidator(https_address)]
    """Where people are sent. Source: the provider's discovery document, `authorization_endpoint`."""

    token_url: Annotated[str, AfterValidator(https_address)]
    """Source: the same, `token_endpoint`."""

    userinfo_url: Annotated[str, AfterValidator(https_address)]
    """Source: the same, `userinfo_endpoint`."""

    client_id: str = Field(min_length=1)
    """Grafana's name there."""

    client_secret: Annotated[str, AfterValidator(object_name)] = "grafana-oidc"  # noqa: S105 - a Secret's name
    """Secret in the stack's namespace with the key `client-secret`; made elsewhere."""

    scopes: list[str] = Field(default=["openid", "profile", "email", "groups"], min_length=1)
    """What Grafana asks for; most providers give groups for a scope."""

    groups_claim: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")] = "groups"
    """Claim that lists a person's groups."""

    roles: dict[str, GrafanaRole] = Field(default_factory=lambda: dict(DEFAULT_ROLES))
    """Role of the platform -> role in Grafana: `Viewer`, `Editor` or `Admin`. Whoever has none does not get in."""

    groups: dict[str, list[str]] = Field(default_factory=dict)
    """Role of the platform -> its groups at the provider; unset = those of the stack's key `access`, and for a role
    that has none there, the group of the role's own name."""

    @field_validator("roles", "groups")
    @classmethod
    def _are_roles(cls, value: dict[str, object]) -> dict[str, object]:
        unknown = sorted(set(value) - set(PLATFORM_ROLES))
        if unknown:
            raise UNKNOWN_ROLE.error(names=listed(unknown), known=listed(sorted(PLATFORM_ROLES)))
        return value

    @model_validator(mode="after")
    def _somebody_administers(self) -> Self:
        if "Admin" not in self.roles.values():
            raise NO_ADMIN_ROLE.error()
        return self


def login_values(login: GrafanaLogin, url: str) -> Manifest:
    """Part of the chart's values; `url`: where people open Grafana, to which the provider sends them back.

    Basic authentication stays on, without its form: the sidecars tell Grafana by it that there is something new.
    """
    oauth = {
        "enabled": True,
        "name": "Single sign-on",
        "client_id": login.client_id,
        "scopes": " ".join(login.scopes),
        "auth_url": login.auth_url,
        "token_url": login.token_url,
        "api_url": login.userinfo_url,
        "use_pkce": True,
        "groups_attribute_path": login.groups_claim,
        "role_attribute_path": role_expression(login),
        "role_attribute_strict": True,
        "allow_assign_grafana_admin": False,
        "skip_org_role_sync": False,
    }
    secret = {"secretKeyRef": {"name": login.client_secret, "key": CLIENT_SECRET_KEY}}
    return {
        "grafana.ini": {
            "server": {"root_url": url},
            "auth": {"disable_login_form": True, "oauth_auto_login": True},
            "auth.anonymous": {"enabled": False},
            "auth.generic_oauth": oauth,
        },
        "envValueFrom": {ENV_CLIENT_SECRET: secret},
    }


def role_expression(login: GrafanaLogin) -> str:
    """JMESPath: the role in Grafana, by the mightiest role of the platform; null for whoever has none.

    Parentheses, as `&&` binds closer than `||` in JMESPath, but readers need not know that.
    """
    parts = [
        f"({member(login.groups_claim, login.groups.get(role, [role]))}) && {literal(login.roles[role])}"
        for role in PLATFORM_ROLES
        if role in login.roles
    ]
    return " || ".join(parts)


def member(claim: str, groups: Sequence[str]) -> str:
    """Whether one of the groups is a person's; a person without the claim is in none."""
    return " || ".join(f"contains({claim} || `[]`, {literal(group)})" for group in groups)


def literal(text: str) -> str:
    """`text` as a raw string of JMESPath."""
    escaped = text.replace("'", "\\'")
    return f"'{escaped}'"
