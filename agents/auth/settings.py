"""Access settings from the environment: trusted proxies, token issuer and tool policy."""

from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from jwt import PyJWTError
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator
from pydantic_core import from_json

from meshed_mcp import contract
from meshed_mcp.agents.auth.jwks import keys_by_id
from meshed_mcp.agents.auth.tool_policy import ToolRule
from meshed_mcp.agents.http.addresses import canonical_address
from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.error_codes.runtime import (
    INVALID_PROXY_ADDRESS,
    POLICY_NOT_JSON,
    SETTING_NOT_A_KEY_SET,
    SETTING_NOT_A_URL,
    TOKENS_INCOMPLETE,
    TWO_KEY_SOURCES,
)

POLICY_EXAMPLE: Final = '{"search": {"allow": ["cluster.local/ns/tools/sa/mcp-controller"]}}'
_REQUIRED_FOR_TOKENS: Final = ("auth_issuer", "auth_audience", "auth_jwks_url")
"""`auth_jwks` can replace `auth_jwks_url`."""


def variable_of(field: str) -> str:
    """Return the environment variable of a field of `Settings`."""
    variable: str = getattr(contract, f"ENV_{field.upper()}")
    return variable


def split_text(value: object) -> object:
    """Return the parts of a comma-separated text; another value unchanged."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _canonical(addresses: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(address if address == contract.ANY_PROXY else canonical_address(address) for address in addresses)
    except MessageError:
        raise
    except ValueError as error:
        raise INVALID_PROXY_ADDRESS.error(error=error) from None


def _decoded(value: object) -> object:
    try:
        return from_json(value) if isinstance(value, str) else value
    except ValueError as error:
        raise POLICY_NOT_JSON.error(error=error, example=POLICY_EXAMPLE) from None


def _is_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        raise SETTING_NOT_A_URL.error()
    return value


def _is_key_set(value: str) -> str:
    try:
        keys_by_id(value.encode())
    except (ValueError, PyJWTError) as error:
        raise SETTING_NOT_A_KEY_SET.error(error=error) from None
    return value


URL = Annotated[str, AfterValidator(_is_url)]
KeySet = Annotated[str, AfterValidator(_is_key_set)]
Addresses = Annotated[tuple[str, ...], BeforeValidator(split_text), AfterValidator(_canonical)]
Scopes = Annotated[tuple[str, ...], BeforeValidator(split_text)]
Policy = Annotated[dict[str, ToolRule], BeforeValidator(_decoded)]


class AccessSettings(BaseModel):
    """The part of `Settings` that controls access."""

    trusted_proxies: Addresses = Field((), description="IP addresses separated by commas, such as 127.0.0.6,::6")
    tool_policy: Policy = Field(default_factory=dict, description=f"JSON, such as {POLICY_EXAMPLE}")
    auth_issuer: URL | None = Field(None, description="a URL")
    auth_audience: URL | None = Field(None, description="a URL")
    auth_jwks_url: URL | None = Field(None, description="a URL")
    organization_claim: str = Field(
        contract.ORGANIZATION_CLAIM, min_length=1, description="a claim, such as organization"
    )
    auth_jwks: KeySet | None = Field(None, description="a JWK Set as JSON")
    auth_scopes: Scopes = Field((), description="scopes separated by commas, such as docs.read,docs.write")

    @model_validator(mode="after")
    def _validate_token_settings(self) -> Self:
        if self.auth_jwks is not None and self.auth_jwks_url is not None:
            raise TWO_KEY_SOURCES.error(jwks=contract.ENV_AUTH_JWKS, url=contract.ENV_AUTH_JWKS_URL)
        missing = [field for field in _REQUIRED_FOR_TOKENS if getattr(self, field) is None]
        if self.auth_jwks is not None:
            missing.remove("auth_jwks_url")
        given = [field for field in (*_REQUIRED_FOR_TOKENS, "auth_jwks", "auth_scopes") if getattr(self, field)]
        if missing and given:
            names = ", ".join(map(variable_of, missing))
            raise TOKENS_INCOMPLETE.error(given=variable_of(given[0]), names=names)
        return self
