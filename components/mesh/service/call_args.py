"""Arguments of `calls` and `outbound_auth`: how a service authenticates to a destination beside its mesh identity."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import DNS_LABEL
from meshed_mcp.components.mesh.authorization.token_args import Scopes
from meshed_mcp.components.mesh.egress.destinations import (
    HTTPS_PORT,
    ExternalHost,
    external_host_name,
    is_internal_host,
    is_ip_address,
)
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.components.mesh.service.remote_url import remote_host, remote_url
from meshed_mcp.contract import CallAuth, ClientAuth
from meshed_mcp.error_codes import calls as codes
from meshed_mcp.error_codes.code import Message, raise_all

_PARAMETER: Final = re.compile(r"[\x21-\x7e]{1,512}")
"""Printable ASCII without spaces, which every parameter of a token request can carry."""


_SERVICE: Final = re.compile(DNS_LABEL)
_DESTINATION: Final = "use the name of a service, or a URL such as https://mcp.vendor.example/mcp"


def token_endpoint_url(value: str) -> str:
    """HTTPS URL of an issuer or its token endpoint; HTTP for a Service of the cluster. No user, query or address."""
    url = urlsplit(value)
    try:
        _ = url.port  # raises for a port that is no number
        is_valid = url.scheme in ("http", "https") and bool(url.hostname) and not (url.query or url.fragment)
    except ValueError:
        is_valid = False
    host = url.hostname or ""
    if not is_valid or url.username is not None or is_ip_address(host):
        raise codes.INVALID_TOKEN_ENDPOINT.error(value=value.rpartition("@")[2])
    if not is_internal_host(host):
        external_host_name(host)
        if url.scheme == "http":
            raise codes.TOKEN_ENDPOINT_IN_PLAINTEXT.error(value=value)
    return value


def resource_parameter(value: str) -> str:
    """Absolute URI without fragment. Source: RFC 8707, section 2."""
    url = urlsplit(value)
    if not url.scheme or not (url.netloc or url.path) or url.fragment or _PARAMETER.fullmatch(value) is None:
        raise codes.INVALID_RESOURCE_PARAMETER.error(value=value)
    return value


def parameter(value: str) -> str:
    """Client ID or audience."""
    if _PARAMETER.fullmatch(value) is None:
        raise codes.INVALID_CLIENT_ID.error(value=value)
    return value


TokenURL = Annotated[str, AfterValidator(token_endpoint_url)]
Parameter = Annotated[str, AfterValidator(parameter)]

CLIENT_FIELDS: Final = ("issuer", "token_endpoint", "client_id", "client_secret", "private_key", "client_auth")


class ClientSettings(Model):
    """Client of an authorization server; its secret is in a Secret."""

    client_id: Parameter | None = None
    """ID of the service at the authorization server."""

    client_secret: SecretKey | None = None
    """Secret with the client secret. Set this or `private_key`."""

    private_key: SecretKey | None = None
    """Secret with a private key in PEM (RSA, P-256 or Ed25519), which signs assertions (`private_key_jwt`)."""

    client_auth: ClientAuth | None = None
    """How the client sends its secret: `client_secret_basic` or `client_secret_post`. Unset = `client_secret_basic`;
    `private_key_jwt` with `private_key`."""

    @property
    def method(self) -> ClientAuth:
        """How the client authenticates."""
        return self.client_auth or (ClientAuth.BASIC if self.private_key is None else ClientAuth.PRIVATE_KEY_JWT)

    @property
    def secret(self) -> SecretKey | None:
        """Secret of the client."""
        return self.client_secret or self.private_key

    @property
    def has_unfit_method(self) -> bool:
        """Whether `client_auth` does not fit the kind of secret."""
        return self.client_auth is not None and (self.method is ClientAuth.PRIVATE_KEY_JWT) != bool(self.private_key)


class TokenClientSettings(ClientSettings):
    """Client that requests tokens of an issuer."""

    issuer: TokenURL | None = None
    """Issuer whose metadata names the token endpoint, at the same origin. Set this or `token_endpoint`; with
    `auth: id_jag` always this."""

    token_endpoint: TokenURL | None = None
    """URL of the token endpoint: HTTPS, or HTTP for a Service of the cluster."""

    @property
    def token_urls(self) -> list[str]:
        """URLs that the service requests tokens from."""
        url = self.token_endpoint or self.issuer
        return [] if url is None else [url]

    def client_issues(self, auth: CallAuth) -> Iterator[Message]:
        """Missing and contradicting fields of the client."""
        missing = ["client_id"] if self.client_id is None else []
        if self.issuer is None and self.token_endpoint is None:
            missing.append("issuer")
        if self.secret is None:
            missing.append("client_secret")
        if missing:
            yield codes.CALL_FIELDS_MISSING.message(auth=auth.value, missing=" and ".join(missing))
        if self.issuer is not None and self.token_endpoint is not None:
            yield codes.CALL_FIELDS_EXCLUDE.message(first="issuer", second="token_endpoint")
        if self.client_secret is not None and self.private_key is not None:
            yield codes.CALL_FIELDS_EXCLUDE.message(first="client_secret", second="private_key")
        elif self.client_auth is not None and self.has_unfit_method:
            first = "client_secret" if self.private_key is None else "private_key"
            yield codes.CALL_FIELDS_EXCLUDE.message(first=first, second=f"client_auth: {self.client_auth.value}")


class CallSettings(TokenClientSettings):
    """How a service authenticates to one destination, beside its mesh identity."""

    auth: CallAuth = CallAuth.MESH
    """`mesh` = by the mesh identity alone; `pass_through` = with the caller's token; `client_credentials` = with a
    token of the service; `token_exchange` = with a token of the caller for the destination (RFC 8693); `on_behalf_of` =
    as before, by the grant of Microsoft Entra ID; `id_jag` = as before, across two authorization servers;
    `user_credential` = with the credential that the caller gave for the server, in `outbound_auth` only."""

    credential: str | None = None
    """Provider of `user_credentials`, with `auth: user_credential`."""

    identity_provider: TokenClientSettings | None = None
    """Client at the issuer of the caller's tokens, with `auth: id_jag`; the other fields are of the destination's
    issuer."""

    audience: Parameter | None = None
    """Parameter `audience` of token requests; any text. With `pass_through` to a URL, the audience of this service that
    the server accepts too."""

    resource: Annotated[str, AfterValidator(resource_parameter)] | None = None
    """Parameter `resource` of token requests (RFC 8707). Unset = the URL of the destination as its tokens name it,
    unless `audience` is set."""

    scopes: Scopes = Field(default_factory=list)
    """Scopes of the token; empty = those that the issuer grants by default."""

    actor_token: bool = False
    """True = a token exchange also carries a token of this service, for issuers that take the actor from it."""

    @model_validator(mode="after")
    def _fits_the_kind(self) -> "CallSettings":
        raise_all(self.call_issues())
        return self

    def call_issues(self) -> Iterator[Message]:
        """Fields that the kind does not read, and those that it lacks."""
        unused = [name for name in self._unread() if name in self.model_fields_set]
        if unused:
            yield codes.CALL_FIELD_UNUSED.message(fields=" and ".join(unused), auth=self.auth.value)
        if self.auth is CallAuth.USER_CREDENTIAL and self.credential is None:
            yield codes.CALL_FIELDS_MISSING.message(auth=self.auth.value, missing="credential")
        if not self.auth.needs_client:
            return
        yield from self.client_issues(self.auth)
        if self.auth is CallAuth.ON_BEHALF_OF and not self.scopes:
            yield codes.CALL_FIELDS_MISSING.message(auth=self.auth.value, missing="scopes")
        if self.auth is CallAuth.ID_JAG:
            yield from self._id_jag_issues()

    def _unread(self) -> tuple[str, ...]:
        requested = ("resource", "scopes", "actor_token", "identity_provider")
        if self.auth is CallAuth.USER_CREDENTIAL:
            return (*CLIENT_FIELDS, "audience", *requested)
        return ("credential", *self._unread_by_tokens(requested))

    def _unread_by_tokens(self, requested: tuple[str, ...]) -> tuple[str, ...]:
        match self.auth:
            case CallAuth.MESH:
                return (*CLIENT_FIELDS, "audience", *requested)
            case CallAuth.PASS_THROUGH:
                return (*CLIENT_FIELDS, *requested)
            case CallAuth.CLIENT_CREDENTIALS:
                return ("actor_token", "identity_provider")
            case CallAuth.TOKEN_EXCHANGE:
                return ("identity_provider",)
            case CallAuth.ON_BEHALF_OF:
                return ("audience", "resource", "actor_token", "identity_provider")
        return ("token_endpoint", "private_key", "audience", "actor_token")

    def _id_jag_issues(self) -> Iterator[Message]:
        if self.identity_provider is None:
            yield codes.CALL_FIELDS_MISSING.message(auth=self.auth.value, missing="identity_provider")
            return
        for message in self.identity_provider.client_issues(self.auth):
            yield message.at("identity_provider")

    @property
    def clients(self) -> list[TokenClientSettings]:
        """The clients whose tokens the service requests."""
        if not self.auth.needs_client:
            return []
        return [self, *([] if self.identity_provider is None else [self.identity_provider])]


def destinations(value: dict[str, CallSettings]) -> dict[str, CallSettings]:
    """Destinations whose names are those of services, or URLs of external servers."""
    for name, call in value.items():
        if is_url(name):
            remote_url(name)
            if urlsplit(name).scheme == "http" and call.auth is not CallAuth.MESH:
                raise codes.TOKEN_ENDPOINT_IN_PLAINTEXT.error(value=name)
        elif _SERVICE.fullmatch(name) is None:
            raise codes.UNKNOWN_DESTINATION.error(name=name, suggested=_DESTINATION)
    return value


def caller_token_issues(
    calls: Mapping[str, CallSettings], outbound: CallSettings | None, *, has_tokens: bool
) -> Iterator[Message]:
    """Calls on behalf of a user by a service whose callers have no tokens."""
    if has_tokens:
        return
    fields = {f"calls.{name}": call for name, call in calls.items()}
    fields |= {} if outbound is None else {"outbound_auth": outbound}
    for field, call in fields.items():
        if call.auth.needs_caller:
            yield codes.NO_USER_TOKENS.message(auth=call.auth.value).at(f"{field}.auth")


def is_url(destination: str) -> bool:
    """Whether a destination is a URL and not the name of a service."""
    return "://" in destination


def token_urls(calls: Iterable[CallSettings]) -> list[str]:
    """URLs that tokens are requested from, each once."""
    return list(dict.fromkeys(url for call in calls for client in call.clients for url in client.token_urls))


def call_hosts(calls: Mapping[str, CallSettings]) -> list[ExternalHost]:
    """External hosts of the destinations and of their token endpoints, each once."""
    servers = [remote_host(destination) for destination in calls if is_url(destination)]
    return list(dict.fromkeys([*servers, *token_hosts(calls.values())]))


def token_hosts(calls: Iterable[CallSettings]) -> list[ExternalHost]:
    """External hosts of the token endpoints."""
    urls = map(urlsplit, token_urls(calls))
    hosts = [ExternalHost(url.hostname or "", url.port or HTTPS_PORT) for url in urls]
    return list(dict.fromkeys(host for host in hosts if not is_internal_host(host.host)))
