"""Arguments of `user_credentials`: servers at which users have accounts, and the login that proves who gives one."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.authorization.token_args import Scopes, TokenSettings
from meshed_mcp.components.mesh.egress.destinations import HTTPS_PORT, ExternalHost, is_internal_host
from meshed_mcp.components.mesh.service.call_args import ClientSettings, TokenURL
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.components.mesh.service.server_source import ServerKind
from meshed_mcp.components.mesh.service.shared_state import SharedState, is_in_environment
from meshed_mcp.contract import AuthorizationClient, CallAuth, ProviderKind
from meshed_mcp.error_codes import user_credentials as codes
from meshed_mcp.error_codes.code import Message, raise_all

if TYPE_CHECKING:
    from meshed_mcp.components.mesh.service.settings import ServiceSettings

FIELD: Final = "user_credentials"
LOGIN: Final = "user_credentials.login.issuer"
MAX_PROVIDERS: Final = 32
"""Product rule: the table is one environment variable."""

OUTBOUND_KINDS: Final = frozenset({ServerKind.BRIDGED_HTTP, ServerKind.REMOTE})
"""Servers whose credentials `outbound_auth` sends."""

MAX_TITLE_CHARACTERS: Final = 80
_PROVIDER: Final = re.compile(contract.PROVIDER_PATTERN)
_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f]+")
_PARAMETER_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def browser_url(value: str) -> str:
    """HTTPS URL that a browser opens; HTTP on this machine alone. No user and no fragment.

    Source: RFC 6749, section 3.1; RFC 9700, section 2.6.
    """
    try:
        url = urlsplit(value)
        _ = url.port  # raises for a port that is no number
    except ValueError:
        raise codes.INVALID_AUTHORIZATION_ENDPOINT.error(value=value) from None
    is_local = url.scheme == "http" and url.hostname in contract.LOOPBACK_NAMES
    is_valid = (url.scheme == "https" or is_local) and bool(url.hostname) and not set(value) & set(" \t\r\n#")
    if not is_valid or url.username is not None:
        raise codes.INVALID_AUTHORIZATION_ENDPOINT.error(value=value.rpartition("@")[2])
    return value


def authorization_parameters(value: dict[str, str]) -> dict[str, str]:
    """Parameters of an authorization request that the service does not set itself."""
    bad = [name for name in value if name in contract.SET_PARAMETERS or _PARAMETER_NAME.fullmatch(name) is None]
    if bad:
        raise codes.RESERVED_PARAMETER.error(names=listed(bad))
    return value


class AuthorizationSettings(ClientSettings):
    """Client of an authorization server for the authorization code grant with PKCE."""

    authorization_endpoint: Annotated[str, AfterValidator(browser_url)] | None = None
    """URL of the page at which users consent, opened by their browsers: HTTPS."""

    token_endpoint: TokenURL | None = None
    """URL of the token endpoint, which the service calls: HTTPS, or HTTP for a Service of the cluster."""

    scopes: Scopes = Field(default_factory=list)
    """Scopes that users grant; empty = those that the server grants by default."""

    parameters: Annotated[dict[str, str], AfterValidator(authorization_parameters)] = Field(
        default_factory=dict, max_length=8
    )
    """Further parameters of the authorization request, such as `access_type: offline`."""

    @property
    def service_urls(self) -> list[str]:
        """URLs that the service itself calls."""
        return [] if self.token_endpoint is None else [self.token_endpoint]

    def client_issues(self) -> Iterator[Message]:
        """Missing and contradicting fields."""
        needed = ("authorization_endpoint", "token_endpoint", "client_id")
        missing = [name for name in needed if getattr(self, name) is None]
        if self.secret is None:
            missing.append("client_secret")
        if missing:
            yield codes.PROVIDER_FIELDS_MISSING.message(missing=" and ".join(missing))
        if self.client_secret is not None and self.private_key is not None:
            yield codes.PROVIDER_FIELD_UNUSED.message(fields="private_key", why="client_secret is set")
        elif self.client_auth is not None and self.has_unfit_method:
            why = f"client_auth {self.client_auth.value} does not fit the kind of secret"
            yield codes.PROVIDER_FIELD_UNUSED.message(fields="client_auth", why=why)

    def client(self, secret_variable: str, **more: Any) -> AuthorizationClient:
        """The client in the table of the runtime."""
        return AuthorizationClient(
            client_id=self.client_id or "",
            secret=secret_variable,
            client_auth=self.method,
            token_endpoint=self.token_endpoint,
            authorization_endpoint=self.authorization_endpoint or "",
            parameters=self.parameters,
            **more,
        )


class UserLoginSettings(AuthorizationSettings):
    """Login of the person at the browser, by OpenID Connect at an issuer of `auth`."""

    issuer: str | None = None
    """Issuer of `auth` at which users log in, exactly as in its tokens. Unset = the only one."""

    @model_validator(mode="after")
    def _is_complete(self) -> "UserLoginSettings":
        raise_all(self.client_issues())
        return self


class ProviderSettings(AuthorizationSettings):
    """A server at which users have accounts."""

    kind: ProviderKind = ProviderKind.OAUTH
    """`oauth` = users consent at the authorization server of the provider; `text` = they paste a key into a form."""

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE_CHARACTERS, pattern=_TEXT.pattern)] | None = None
    """Name of the server on the page. Unset = the name of the provider."""

    revocation_endpoint: TokenURL | None = None
    """URL at which a deleted credential is revoked (RFC 7009). Unset = it is deleted here alone."""

    @property
    def service_urls(self) -> list[str]:
        """URLs that the service itself calls."""
        return [*super().service_urls, *([] if self.revocation_endpoint is None else [self.revocation_endpoint])]

    @model_validator(mode="after")
    def _fits_the_kind(self) -> "ProviderSettings":
        if self.kind is ProviderKind.OAUTH:
            raise_all(self.client_issues())
            return self
        unused = sorted(self.model_fields_set - {"kind", "title"})
        if unused:
            raise codes.PROVIDER_FIELD_UNUSED.error(fields=" and ".join(unused), why="kind is text")
        return self


def provider_names(value: dict[str, ProviderSettings]) -> dict[str, ProviderSettings]:
    """Names that can be a part of a URL."""
    bad = [name for name in value if _PROVIDER.fullmatch(name) is None]
    if bad:
        raise codes.INVALID_PROVIDER_NAME.error(names=listed(bad))
    return value


class CredentialSettings(Model):
    """Credentials that the users of a service give it for other servers, in the browser."""

    providers: Annotated[dict[str, ProviderSettings], AfterValidator(provider_names)] = Field(
        min_length=1, max_length=MAX_PROVIDERS
    )
    """Name -> server at which users have accounts; `service.user_credential("<name>")` returns a token for it."""

    login: UserLoginSettings
    """Client of the service at the issuer of its users, which proves that the person who opens a link is its user."""

    keys: SecretKey
    """Secret with the keys that encrypt credentials, one per line, the encrypting one first. A removed key makes the
    credentials of that key unreadable, and their users are asked again."""

    def login_issuer(self, auth: TokenSettings) -> str:
        """Issuer of the login."""
        return self.login.issuer or auth.issuers[0].urls[0]

    @property
    def service_urls(self) -> list[str]:
        """URLs that the service calls."""
        clients = [self.login, *self.providers.values()]
        return list(dict.fromkeys(url for each in clients for url in each.service_urls))

    @property
    def hosts(self) -> list[ExternalHost]:
        """External hosts that the service calls."""
        urls = map(urlsplit, self.service_urls)
        found = [ExternalHost(url.hostname or "", url.port or HTTPS_PORT) for url in urls]
        return list(dict.fromkeys(host for host in found if not is_internal_host(host.host)))


def credential_issues(service: "ServiceSettings") -> Iterator[Message]:
    """What credentials of users need beside their own settings."""
    settings, auth = service.user_credentials, service.auth
    yield from _use_issues(service)
    if settings is None or service.kind not in {ServerKind.MESHED, *OUTBOUND_KINDS}:
        return
    if auth is None:
        yield codes.CREDENTIALS_WITHOUT_TOKENS.message().at(FIELD)
        return
    known = [each.urls[0] for each in auth.issuers]
    if settings.login.issuer is None and len(known) > 1:
        yield codes.LOGIN_ISSUER_UNKNOWN.message(found="auth has several issuers", known=listed(known)).at(LOGIN)
    if settings.login.issuer is not None and settings.login.issuer not in known:
        found = f"{settings.login.issuer!r} is no issuer of auth"
        yield codes.LOGIN_ISSUER_UNKNOWN.message(found=found, known=listed(known)).at(LOGIN)
    if not (service.expose or service.public_urls):
        yield codes.CREDENTIALS_WITHOUT_URL.message().at(FIELD)


def _use_issues(service: "ServiceSettings") -> Iterator[Message]:
    """Calls with a credential that users cannot give, and credentials that nothing uses."""
    for destination, call in service.calls.items():
        if call.auth is CallAuth.USER_CREDENTIAL:
            yield codes.CREDENTIAL_IN_CODE.message().at(f"calls.{destination}.auth")
    outbound, settings = service.outbound_auth, service.user_credentials
    known = [] if settings is None else list(settings.providers)
    uses = outbound is not None and outbound.auth is CallAuth.USER_CREDENTIAL
    if uses and outbound is not None and outbound.credential is not None and outbound.credential not in known:
        name = repr(outbound.credential)
        yield codes.CREDENTIAL_NOT_DECLARED.message(name=name, known=listed(known) or "none").at(
            "outbound_auth.credential"
        )
    if settings is not None and not uses and service.kind in OUTBOUND_KINDS:
        yield codes.CREDENTIALS_NOT_SENT.message(known=" or ".join(known)).at(FIELD)


def has_store(database: object, redis: object, variables: Mapping[str, Any]) -> bool:
    """Whether credentials outlive a pod: in a database or in Redis."""
    in_environment = any(is_in_environment(use, variables) for use in (SharedState.DATABASE, SharedState.SUBSCRIPTIONS))
    return database is not None or redis is not None or in_environment
