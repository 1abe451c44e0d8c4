"""The table of token issuers from the environment: parsed rows and the errors of invalid ones."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BeforeValidator, ValidationError
from pydantic_core import from_json

from meshed_mcp import contract
from meshed_mcp.agents.auth.signing_keys import signing_keys
from meshed_mcp.contract.token_issuers import ALGORITHMS, TokenIssuer
from meshed_mcp.error_codes.code import Message, raise_all
from meshed_mcp.error_codes.runtime import SETTING_NOT_A_KEY_SET, SETTING_NOT_A_URL, TWO_KEY_SOURCES
from meshed_mcp.error_codes.tokens import (
    ALGORITHM_NOT_ALLOWED,
    CLAIM_PATH_INVALID,
    ISSUER_FIELD_INVALID,
    ISSUER_TWICE,
    ISSUER_WITHOUT_AUDIENCE,
    ISSUER_WITHOUT_KEYS,
    ISSUERS_NOT_JSON,
    VARIABLE_REPLACED,
)

ISSUERS_EXAMPLE: Final = (
    '[{"issuer": "https://login.example.com/realms/tools", "audiences": ["https://mcp.example.com/mcp-search/mcp"]}]'
)
RESOURCE_EXAMPLE: Final = "https://mcp.example.com/mcp-search/mcp"
REPLACED_VARIABLES: Final = {
    "MESHED_MCP_AUTH_ISSUER": (contract.ENV_AUTH_ISSUERS, ISSUERS_EXAMPLE),
    "MESHED_MCP_AUTH_JWKS_URL": (contract.ENV_AUTH_ISSUERS, ISSUERS_EXAMPLE),
    "MESHED_MCP_AUTH_JWKS": (contract.ENV_AUTH_ISSUERS, ISSUERS_EXAMPLE),
    "MESHED_MCP_ORGANIZATION_CLAIM": (contract.ENV_AUTH_ISSUERS, ISSUERS_EXAMPLE),
    "MESHED_MCP_AUTH_AUDIENCE": (contract.ENV_AUTH_RESOURCE, RESOURCE_EXAMPLE),
}
"""Variables of earlier releases. A process that ignored them would accept requests without tokens."""

WEB_SCHEMES: Final = ("http", "https")


def is_url(value: str) -> bool:
    """Return whether a text is an absolute HTTP URL without a fragment. Source: RFC 8707, section 2."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in WEB_SCHEMES and bool(parts.hostname) and "#" not in value and not set(value) & set(" \t\r\n")


def key_set_error(keys: str) -> Message | None:
    """Return the error of a JWK Set; None if it has usable keys or is empty."""
    try:
        signing_keys(keys.encode())
    except ValueError as error:
        return SETTING_NOT_A_KEY_SET.message(error=error)
    return None


def parsed_issuers(value: object) -> object:
    """Return the rows of a JSON list; another value unchanged. Raises MessageError with every error of every row."""
    if not isinstance(value, str):
        return value
    try:
        rows = from_json(value)
        if not isinstance(rows, list):
            raise ValueError(f"it is a JSON {type(rows).__name__}")  # noqa: TRY004, TRY301 - one error for both
    except ValueError as error:
        raise ISSUERS_NOT_JSON.error(error=error, example=ISSUERS_EXAMPLE) from None
    raise_all(message for number, row in enumerate(rows) for message in _row_errors(number, row))
    issuers = tuple(TokenIssuer.model_validate(row) for row in rows)
    raise_all(_duplicates(issuers))
    return issuers


Issuers = Annotated[tuple[TokenIssuer, ...], BeforeValidator(parsed_issuers)]


def replaced_variables(environment: Mapping[str, str] = os.environ) -> tuple[Message, ...]:
    """Return an error for each variable that an earlier release read."""
    return tuple(
        VARIABLE_REPLACED.message(variable=name, replacement=replacement, example=example)
        for name, (replacement, example) in REPLACED_VARIABLES.items()
        if environment.get(name)
    )


def _duplicates(issuers: tuple[TokenIssuer, ...]) -> Iterator[Message]:
    names = [row.issuer for row in issuers]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield ISSUER_TWICE.message(issuer=name)


def _row_errors(number: int, row: Any) -> Iterator[Message]:
    named = row.get("issuer") if isinstance(row, dict) else None
    where = f"the issuer {named!r}" if isinstance(named, str) and named else f"row {number + 1}"
    try:
        issuer = TokenIssuer.model_validate(row)
    except ValidationError as error:
        for item in error.errors():
            field = ".".join(map(str, item["loc"])) or "the row"
            yield ISSUER_FIELD_INVALID.message(row=where, field=field, problem=item["msg"])
        return
    if not issuer.issuer:
        yield ISSUER_FIELD_INVALID.message(row=where, field="issuer", problem="it is empty")
    yield from _audience_and_algorithm_errors(where, issuer)
    yield from _key_errors(where, issuer)
    yield from _claim_errors(where, issuer)


def _audience_and_algorithm_errors(where: str, issuer: TokenIssuer) -> Iterator[Message]:
    if not issuer.audiences or not all(issuer.audiences):
        yield ISSUER_WITHOUT_AUDIENCE.message(row=where, claim=issuer.audience_claim)
    for algorithm in issuer.algorithms:
        if algorithm not in ALGORITHMS:
            yield ALGORITHM_NOT_ALLOWED.message(row=where, algorithm=algorithm, supported=", ".join(ALGORITHMS))
    if not issuer.algorithms:
        yield ISSUER_FIELD_INVALID.message(row=where, field="algorithms", problem="it is empty")


def _key_errors(where: str, issuer: TokenIssuer) -> Iterator[Message]:
    if issuer.jwks is not None and issuer.jwks_url is not None:
        yield TWO_KEY_SOURCES.message(jwks="jwks", url="jwks_url").at(where)
    elif issuer.jwks_url is not None:
        if not is_url(issuer.jwks_url):
            yield SETTING_NOT_A_URL.message().at(f"{where}: jwks_url")
    elif issuer.jwks is not None:
        if (error := key_set_error(json.dumps(issuer.jwks))) is not None:
            yield error.at(f"{where}: jwks")
    elif not is_url(issuer.issuer):
        yield ISSUER_WITHOUT_KEYS.message(row=where)


def _claim_errors(where: str, issuer: TokenIssuer) -> Iterator[Message]:
    claims = issuer.claims
    paths = [
        ("audience_claim", issuer.audience_claim),
        ("claims.subject", claims.subject),
        ("claims.organization", claims.organization),
        *(("claims.scopes", path) for path in claims.scopes),
    ]
    for field, path in paths:
        if not path.strip() or not all(path.split(".")):
            yield CLAIM_PATH_INVALID.message(row=where, field=field, path=path)
