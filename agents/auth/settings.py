"""Access settings from the environment: trusted proxies, token issuers and tool policy."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator
from pydantic_core import from_json

from meshed_mcp import contract
from meshed_mcp.agents.auth.issuer_settings import ISSUERS_EXAMPLE, Issuers, is_url
from meshed_mcp.agents.auth.tool_policy import ToolRule
from meshed_mcp.agents.http.addresses import canonical_address
from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.error_codes.runtime import (
    INVALID_PROXY_ADDRESS,
    POLICY_NOT_JSON,
    SETTING_NOT_A_URL,
    TOKENS_INCOMPLETE,
)

POLICY_EXAMPLE: Final = '{"search": {"allow": ["cluster.local/ns/tools/sa/mcp-controller"]}}'
_REQUIRED_FOR_TOKENS: Final = ("auth_issuers", "auth_resource")


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
    if not is_url(value):
        raise SETTING_NOT_A_URL.error()
    return value


URL = Annotated[str, AfterValidator(_is_url)]
Addresses = Annotated[tuple[str, ...], BeforeValidator(split_text), AfterValidator(_canonical)]
Scopes = Annotated[tuple[str, ...], BeforeValidator(split_text)]
Policy = Annotated[dict[str, ToolRule], BeforeValidator(_decoded)]


class AccessSettings(BaseModel):
    """The part of `Settings` that controls access."""

    trusted_proxies: Addresses = Field((), description="IP addresses separated by commas, such as 127.0.0.6,::6")
    tool_policy: Policy = Field(default_factory=dict, description=f"JSON, such as {POLICY_EXAMPLE}")
    auth_issuers: Issuers = Field((), description=f"JSON, such as {ISSUERS_EXAMPLE}")
    auth_resource: URL | None = Field(None, description="a URL")
    auth_scopes: Scopes = Field((), description="scopes separated by commas, such as docs.read,docs.write")

    @model_validator(mode="after")
    def _validate_token_settings(self) -> Self:
        missing = [field for field in _REQUIRED_FOR_TOKENS if not getattr(self, field)]
        given = [field for field in (*_REQUIRED_FOR_TOKENS, "auth_scopes") if getattr(self, field)]
        if missing and given:
            names = ", ".join(map(variable_of, missing))
            raise TOKENS_INCOMPLETE.error(given=variable_of(given[0]), names=names)
        return self
