"""How a service authenticates to each destination: one table that the platform renders into ENV_OUTBOUND_CALLS.

The table names variables of secrets, never their values. The client of the runtime and the bridge read the same rows.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class CallAuth(StrEnum):
    """What a service sends to a destination beside its mesh identity."""

    MESH = "mesh"
    """Nothing: the sidecar presents the mesh identity."""

    PASS_THROUGH = "pass_through"  # noqa: S105 - the name of a kind
    """The token of the caller, as it came."""

    CLIENT_CREDENTIALS = "client_credentials"
    """A token of the service itself. Source: RFC 6749, section 4.4."""

    TOKEN_EXCHANGE = "token_exchange"  # noqa: S105 - the name of a kind
    """A token of the caller for the destination, which the caller's token is exchanged for. Source: RFC 8693."""

    ON_BEHALF_OF = "on_behalf_of"
    """As above, by the grant of Microsoft Entra ID, which has no RFC 8693. Source: Microsoft identity platform, "OAuth
    2.0 On-Behalf-Of flow"."""

    ID_JAG = "id_jag"
    """As token exchange across two authorization servers, by an Identity Assertion Authorization Grant. Source: MCP
    extension "Enterprise-Managed Authorization"; draft-ietf-oauth-identity-assertion-authz-grant."""

    USER_CREDENTIAL = "user_credential"
    """The credential that the caller gave for the server, in `UserCredentials`."""

    @property
    def needs_caller(self) -> bool:
        """Whether it needs the token of a caller."""
        return self not in {CallAuth.MESH, CallAuth.CLIENT_CREDENTIALS}

    @property
    def needs_client(self) -> bool:
        """Whether it needs a client at a token endpoint."""
        return self not in {CallAuth.MESH, CallAuth.PASS_THROUGH, CallAuth.USER_CREDENTIAL}


class ClientAuth(StrEnum):
    """How a client authenticates to a token endpoint. Source: OpenID Connect Core 1.0, section 9."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"


class TokenClient(BaseModel):
    """A client of an authorization server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str
    secret: str
    """Variable with the client secret, or with the private key in PEM; with FILE_SUFFIX the file of it."""

    client_auth: ClientAuth = ClientAuth.BASIC
    issuer: str | None = None
    """Issuer, whose metadata names the token endpoint. Source: RFC 8414, section 3."""

    token_endpoint: str | None = None
    """Token endpoint; the metadata is then not read."""


class OutboundCall(BaseModel):
    """One destination of a service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    destination: str
    """Name of a service, or a URL."""

    auth: CallAuth
    origins: tuple[str, ...]
    """Origins (`scheme://host:port`) that may get the token. Source: RFC 6454, section 4."""

    client: TokenClient | None = None
    """Client at the authorization server of the destination."""

    identity_provider: TokenClient | None = None
    """Client at the identity provider of the caller, with `id_jag`."""

    audience: str | None = None
    """Parameter `audience` of token requests. Source: RFC 8693, section 2.1."""

    resource: str | None = None
    """Parameter `resource` of token requests. Source: RFC 8707, section 2."""

    credential: str | None = None
    """Provider of the credential, with `user_credential`."""

    scopes: tuple[str, ...] = ()
    actor_token: bool = False
    """True = the exchange also carries a token of this service. Source: RFC 8693, section 2.1, `actor_token`."""
