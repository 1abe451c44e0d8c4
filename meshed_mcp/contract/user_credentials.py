"""Credentials of users at other servers: the table that the platform renders into ENV_USER_CREDENTIALS.

The table names variables of secrets, never their values. A user gives a credential in the browser, on pages of the
service below CREDENTIALS_PATH; it does not pass through the MCP client.
"""

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from meshed_mcp.contract.outbound_calls import TokenClient

CREDENTIALS_PATH: Final = "/credentials"
"""Path of the pages below the endpoint. Browsers send no bearer token there."""

PROVIDER_PATTERN: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
"""Name of a provider, which is a part of a URL. Source: RFC 1123, section 2.1, label."""

OPENID_SCOPE: Final = "openid"
"""Scope of a login. Source: OpenID Connect Core 1.0, section 3.1.2.1."""

SET_PARAMETERS: Final = frozenset(
    {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "response_mode",
        "request",
        "request_uri",
    }
)
"""Parameters of an authorization request that the service sets itself, or that would replace them. Source: RFC 6749,
section 4.1.1; RFC 7636, section 4.3; RFC 9101, section 5; OpenID Connect Core 1.0, section 3.1.2.1."""


class ProviderKind(StrEnum):
    """How a user gives a credential."""

    OAUTH = "oauth"
    """By consent at an authorization server. Source: RFC 6749, section 4.1; RFC 7636."""

    TEXT = "text"
    """By pasting a key into a form."""


class AuthorizationClient(TokenClient):
    """A client for the authorization code grant with PKCE; `token_endpoint` is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    authorization_endpoint: str
    """Page at which the user consents. Source: RFC 6749, section 3.1."""

    scopes: tuple[str, ...] = ()
    parameters: dict[str, str] = Field(default_factory=dict)
    """Further parameters of the authorization request, such as `access_type: offline`."""

    revocation_endpoint: str | None = None
    """Source: RFC 7009, section 2."""


class CredentialProvider(BaseModel):
    """A server at which users have accounts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ProviderKind
    title: str
    """Name of the server on the page."""

    client: AuthorizationClient | None = None
    """Client at its authorization server, with ProviderKind.OAUTH."""


class UserCredentials(BaseModel):
    """Providers of one service, and the login that proves who opens a link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    providers: dict[str, CredentialProvider]
    login_issuer: str
    """Issuer of the users' tokens at which they log in; one of ENV_AUTH_ISSUERS."""

    login: AuthorizationClient
