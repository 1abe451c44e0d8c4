"""Client of one token endpoint: finds it, authenticates to it, and reads its response.

The SDK's OAuth providers for client credentials send every call of a client in turn (they hold a lock until a response
arrives) and find the issuer through the destination, whose public URL a service in a mesh cannot reach. So tokens are
requested apart from calls here, with the SDK's functions for metadata and signed assertions.
"""

import base64
import re
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import httpx2
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt import PyJWTError
from mcp.client.auth import OAuthFlowError
from mcp.client.auth.extensions.client_credentials import SignedJWTParameters
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    create_oauth_metadata_request,
    validate_metadata_issuer,
)
from mcp.shared.auth import OAuthMetadata
from pydantic import BaseModel, Field, ValidationError

from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.agents.client.credentials.settings import client_secret, secret_value
from meshed_mcp.agents.client.credentials.tokens import Token
from meshed_mcp.contract import ClientAuth, TokenClient
from meshed_mcp.error_codes.calls import (
    PRIVATE_KEY_UNUSABLE,
    TOKEN_ENDPOINT_UNAVAILABLE,
    TOKEN_REQUEST_REJECTED,
    TOKEN_RESPONSE_INVALID,
)

TIMEOUT_SECONDS: Final = 10.0
"""Timeout of a token request. Source: Envoy, OAuth2 filter, whose example has 3 s; an exchange verifies a token too."""

MAX_RESPONSE_BYTES: Final = 256 * 1024
"""Size of a response that is read: tokens with many groups have up to 64 KiB."""

LEEWAY_SECONDS: Final = 30.0
"""Time before its expiry at which a token is replaced, so that it is valid when it arrives; at most half its lifetime.
"""

DEFAULT_LIFETIME_SECONDS: Final = 60.0
"""Lifetime of a token without `expires_in`, which is recommended only. Source: RFC 6749, section 5.1."""

BEARER: Final = "bearer"
"""Source: RFC 6750, section 4; types are case-insensitive (RFC 6749, section 5.1)."""

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""Source: RFC 7523, section 2.2."""

ASSERTION_SECONDS: Final = 60
"""Lifetime of a signed assertion, which is used at once. Source: RFC 7523, section 3, rule 4."""

_ALGORITHMS: Final = (
    (rsa.RSAPrivateKey, "RS256"),
    (ec.EllipticCurvePrivateKey, "ES256"),
    (ed25519.Ed25519PrivateKey, "EdDSA"),
)
_OVERLOADED: Final = frozenset({408, 425, 429})
_ERROR: Final = re.compile(r"[a-z_]{1,64}")


class TokenResponse(BaseModel):
    """A successful response. Source: RFC 6749, section 5.1; RFC 8693, section 2.2.1."""

    access_token: str = Field(pattern=r"^[\x21-\x7e]+$", repr=False)
    """The token, in characters that a header can carry."""

    token_type: str
    expires_in: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    issued_token_type: str | None = None
    refresh_token: str | None = Field(default=None, repr=False)
    id_token: str | None = Field(default=None, repr=False)
    """Source: OpenID Connect Core 1.0, section 3.1.3.3."""

    @property
    def seconds(self) -> float:
        """Seconds for which the token is used."""
        lifetime = DEFAULT_LIFETIME_SECONDS if self.expires_in is None else self.expires_in
        return lifetime - min(LEEWAY_SECONDS, lifetime / 2)

    def token(self, url: str) -> Token:
        """Return the token of a response of `url`. Raises CredentialsError. Source: RFC 6749, section 7.1."""
        if self.token_type.lower() != BEARER:
            raise CredentialsError(TOKEN_RESPONSE_INVALID.message(url=url, why="has another token_type than Bearer"))
        return Token(self.access_token, monotonic() + self.seconds)


class TokenEndpoint:
    """The token endpoint of one client."""

    def __init__(self, client: TokenClient, environment: Mapping[str, str], http: httpx2.AsyncClient) -> None:
        self._client, self._http = client, http
        self._secret = client_secret(client.secret, environment)
        self._url = client.token_endpoint
        self.name = client.token_endpoint or str(client.issuer)
        """The endpoint or its issuer, for messages."""

    @property
    def secret(self) -> str:
        """The current secret of the client. Raises CredentialsError."""
        return secret_value(self._secret, self._client.secret)

    async def token(self, grant: Mapping[str, str | None]) -> Token:
        """Return the token for a grant; parameters that are None are left out. Raises CredentialsError."""
        return (await self.request(grant)).token(self.name)

    async def request(self, grant: Mapping[str, str | None]) -> TokenResponse:
        """Return the response to a grant; parameters that are None are left out. Raises CredentialsError."""
        url = self._url = self._url or await self._discovered()
        form = {name: value for name, value in grant.items() if value is not None}
        parameters, headers = await self._authentication(url)
        made = httpx2.Request(
            "POST", url, data={**form, **parameters}, headers={"accept": "application/json", **headers}
        )
        response = await self.send(made)
        if response.status_code != httpx2.codes.OK:
            error = _error_of(response)
            message = TOKEN_REQUEST_REJECTED.message(url=url, status=response.status_code, error=error)
            raise CredentialsError(message, rejection=error)
        return _parsed(response, url)

    async def revoke(self, url: str, token: str) -> None:
        """Revoke a token at a revocation endpoint. Raises CredentialsError. Source: RFC 7009, section 2.1."""
        parameters, headers = await self._authentication(url)
        response = await self.send(httpx2.Request("POST", url, data={"token": token, **parameters}, headers=headers))
        if response.status_code != httpx2.codes.OK:
            error = _error_of(response)
            message = TOKEN_REQUEST_REJECTED.message(url=url, status=response.status_code, error=error)
            raise CredentialsError(message, rejection=error)

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        """Return the response, read to its end. Raises CredentialsError."""
        url = request.url.copy_with(query=None)
        try:
            response = await self._http.send(request, follow_redirects=False, stream=True)
            try:
                body = await _bounded(response)
            finally:
                await response.aclose()
        except httpx2.RequestError as error:
            message = TOKEN_ENDPOINT_UNAVAILABLE.message(url=url, why=type(error).__name__)
            raise CredentialsError(message, unavailable=True) from None
        if response.is_server_error or response.status_code in _OVERLOADED:
            message = TOKEN_ENDPOINT_UNAVAILABLE.message(url=url, why=f"status {response.status_code}")
            raise CredentialsError(message, unavailable=True)
        if body is None:
            why = f"is longer than {MAX_RESPONSE_BYTES} bytes"
            raise CredentialsError(TOKEN_RESPONSE_INVALID.message(url=url, why=why))
        return httpx2.Response(response.status_code, content=body, request=request)

    async def _discovered(self) -> str:
        """The token endpoint in the metadata of the issuer."""
        issuer = str(self._client.issuer)
        for url in build_oauth_authorization_server_metadata_discovery_urls(issuer, issuer):
            response = await self.send(create_oauth_metadata_request(url))
            if response.is_client_error:
                continue
            try:
                metadata = OAuthMetadata.model_validate_json(response.content)
                validate_metadata_issuer(metadata, issuer)
            except (ValidationError, OAuthFlowError):
                why = f"is no metadata of {issuer}"
                raise CredentialsError(TOKEN_RESPONSE_INVALID.message(url=url, why=why)) from None
            return _own(str(metadata.token_endpoint), issuer)
        raise CredentialsError(TOKEN_RESPONSE_INVALID.message(url=issuer, why="has no metadata (RFC 8414)"))

    async def _authentication(self, url: str) -> tuple[dict[str, str], dict[str, str]]:
        """Parameters and headers that authenticate the client. Source: RFC 6749, section 2.3.1; RFC 7523, 2.2."""
        secret = self.secret
        name = self._client.client_id
        match self._client.client_auth:
            case ClientAuth.POST:
                return {"client_id": name, "client_secret": secret}, {}
            case ClientAuth.PRIVATE_KEY_JWT:
                assertion = await _assertion(name, secret, self._client.issuer or url)
                parameters = {"client_id": name, "client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
                return parameters, {}
        pair = f"{quote_plus(name)}:{quote_plus(secret)}"
        return {}, {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _own(url: str, issuer: str) -> str:
    """The token endpoint, which must be at the origin of the issuer: the stack opens the way to no other."""
    if urlsplit(url)[:2] != urlsplit(issuer)[:2]:
        why = f"names the token endpoint {url} at another origin; set token_endpoint to it"
        raise CredentialsError(TOKEN_RESPONSE_INVALID.message(url=issuer, why=why))
    return url


def _parsed(response: httpx2.Response, url: str) -> TokenResponse:
    try:
        return TokenResponse.model_validate_json(response.content)
    except ValidationError as error:
        names = sorted({".".join(map(str, each["loc"])) or "of JSON" for each in error.errors(include_input=False)})
        why = f"has no valid field {', '.join(names)}"
        raise CredentialsError(TOKEN_RESPONSE_INVALID.message(url=url, why=why)) from None


async def _bounded(response: httpx2.Response) -> bytes | None:
    """The body; None if it is longer than MAX_RESPONSE_BYTES."""
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MAX_RESPONSE_BYTES:
            return None
    return bytes(body)


async def _assertion(client_id: str, key: str, audience: str) -> str:
    """A signed assertion of the client. Source: RFC 7523, section 2.2; OpenID Connect Core 1.0, section 9."""
    try:
        private = load_pem_private_key(key.encode(), None)
        algorithm = next(name for kind, name in _ALGORITHMS if isinstance(private, kind))
        parameters = SignedJWTParameters(
            issuer=client_id,
            subject=client_id,
            signing_key=key,
            signing_algorithm=algorithm,
            lifetime_seconds=ASSERTION_SECONDS,
        )
        return await parameters.create_assertion_provider()(audience)
    except (ValueError, TypeError, StopIteration, StopAsyncIteration, UnsupportedAlgorithm, PyJWTError):
        raise CredentialsError(PRIVATE_KEY_UNUSABLE.message(client=client_id)) from None


def _error_of(response: httpx2.Response) -> str:
    """The error code of a response; never its description, which may repeat a token. Source: RFC 6749, section 5.2."""
    try:
        body: Any = response.json()
    except ValueError:
        return "no error code"
    found = body.get("error") if isinstance(body, dict) else None
    return found if isinstance(found, str) and _ERROR.fullmatch(found) else "no error code"
