"""Login to Grafana with an identity provider: settings and chart values, with a role mapping from groups.

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
"""The platform's roles, highest first; the highest role of a user applies."""

GrafanaRole = Literal["Viewer", "Editor", "Admin"]
"""Roles in an organization of Grafana."""

DEFAULT_ROLES: Final[Mapping[str, GrafanaRole]] = {
    "mcp-viewer": "Viewer",
    "mcp-operator": "Editor",
    "mcp-admin": "Admin",
}


def https_address(text: str) -> str:
    """`text` unchanged, if it is an https URL. Raises ValueError with what to set instead."""
    if urlsplit(text).scheme != "https" or not urlsplit(text).hostname:
        raise LOGIN_IN_PLAINTEXT.error(text=text)
    return text


class GrafanaLogin(Model):
    """Login with an OpenID Connect provider; its groups determine the role in Grafana."""

    auth_url: Annotated[str, AfterValidator(https_address)]
    """Authorization endpoint. Source: the provider's discovery document, `authorization_endpoint`."""

    token_url: Annotated[str, AfterValidator(https_address)]
    """Token endpoint. Source: the discovery document, `token_endpoint`."""

    userinfo_url: Annotated[str, AfterValidator(https_address)]
    """User info endpoint. Source: the discovery document, `userinfo_endpoint`."""

    client_id: str = Field(min_length=1)
    """Client ID of Grafana at the provider."""

    client_secret: Annotated[str, AfterValidator(object_name)] = "grafana-oidc"  # noqa: S105 - a Secret's name
    """Secret in the stack's namespace with the key `client-secret`; create it yourself."""

    scopes: list[str] = Field(default=["openid", "profile", "email", "groups"], min_length=1)
    """OAuth scopes; most providers need one for groups."""

    groups_claim: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")] = "groups"
    """Claim with the user's groups."""

    roles: dict[str, GrafanaRole] = Field(default_factory=lambda: dict(DEFAULT_ROLES))
    """Role of the platform -> role in Grafana: `Viewer`, `Editor` or `Admin`. Users without a role cannot log in."""

    groups: dict[str, list[str]] = Field(default_factory=dict)
    """Role of the platform -> groups of the provider; unset = those of the stack key `access`, else the group with the
    name of the role."""

    @field_validator("roles", "groups")
    @classmethod
    def _are_roles(cls, value: dict[str, object]) -> dict[str, object]:
        unknown = sorted(set(value) - set(PLATFORM_ROLES))
        if unknown:
            raise UNKNOWN_ROLE.error(names=listed(unknown), known=listed(sorted(PLATFORM_ROLES)))
        return value

    @model_validator(mode="after")
    def _has_admin_role(self) -> Self:
        if "Admin" not in self.roles.values():
            raise NO_ADMIN_ROLE.error()
        return self


def login_values(login: GrafanaLogin, url: str) -> Manifest:
    """Values of the chart; `url` is Grafana's own, to which the provider redirects users.

    Basic authentication stays enabled without a form, because the sidecars use it to reload Grafana.
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
    """JMESPath of the role in Grafana by the user's highest role of the platform; null without a role."""
    parts = [
        f"({member(login.groups_claim, login.groups.get(role, [role]))}) && {literal(login.roles[role])}"
        for role in PLATFORM_ROLES
        if role in login.roles
    ]
    return " || ".join(parts)


def member(claim: str, groups: Sequence[str]) -> str:
    """JMESPath: whether the user is in one of the groups; false without the claim."""
    return " || ".join(f"contains({claim} || `[]`, {literal(group)})" for group in groups)


def literal(text: str) -> str:
    """`text` as a JMESPath raw string literal."""
    escaped = text.replace("'", "\\'")
    return f"'{escaped}'"
