"""Settings of the bridge: those of the runtime, and its upstream."""

import os
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import from_json

from meshed_mcp import contract
from meshed_mcp.agents.auth.settings import split_text
from meshed_mcp.agents.process.secret_files import FixedSecret, secrets_in_files
from meshed_mcp.agents.settings import Settings
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.runtime import (
    UPSTREAM_HEADER_WITHOUT_VALUE,
    UPSTREAM_NOT_JSON,
    UPSTREAM_NOT_ONE,
    UPSTREAM_TWO_TOKENS,
)

MAX_PROCESSES: Final = 100
"""Default of ENV_UPSTREAM_MAX_PROCESSES: as many as concurrent calls (contract.CONCURRENT_CALLS)."""

AUTHORIZATION: Final = "authorization"
COMMAND_EXAMPLE: Final = '["uvx", "mcp-server-time@2026.10.19"]'
HEADERS_EXAMPLE: Final = '{"x-api-key": "API_KEY"}'
HEADER_NAME: Final = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
"""Source: RFC 9110, section 5.1: a field name is a token."""


def _decoded(value: object, example: str) -> object:
    try:
        return from_json(value) if isinstance(value, str) else value
    except ValueError as error:
        raise UPSTREAM_NOT_JSON.error(error=error, example=example) from None


Part = Annotated[str, Field(min_length=1)]
Command = Annotated[tuple[Part, ...], BeforeValidator(lambda value: _decoded(value, COMMAND_EXAMPLE))]
Names = Annotated[tuple[str, ...], BeforeValidator(split_text)]
Headers = Annotated[
    dict[Annotated[str, Field(pattern=HEADER_NAME)], Part],
    BeforeValidator(lambda value: _decoded(value, HEADERS_EXAMPLE)),
]


class BridgeSettings(Settings):
    """Settings of one bridge process."""

    upstream_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s?#@]+(/[^\s#]*)?$",
        description="an http or https URL without credentials, such as http://127.0.0.1:8080/mcp",
    )
    upstream_command: Command = Field(
        (), description=f"a JSON list of texts, the program first, such as {COMMAND_EXAMPLE}"
    )
    upstream_address: str | None = Field(
        None,
        pattern=r"^([^\s:]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$",
        description="a host and a port, such as 127.0.0.1:9470",
    )
    upstream_environment: Names = Field((), description="names of variables separated by commas, such as API_KEY,TZ")
    upstream_process: Literal["per_session", "shared"] = Field("per_session", description="per_session or shared")
    upstream_max_processes: int = Field(
        MAX_PROCESSES, ge=1, le=10_000, description="a number of processes from 1 to 10000"
    )
    upstream_token: str | None = Field(
        None, repr=False, pattern=r"^[\x21-\x7e]+$", description="a token of printable ASCII characters without spaces"
    )
    upstream_headers: Headers = Field(
        default_factory=dict, description=f"a JSON object, header -> name of a variable, such as {HEADERS_EXAMPLE}"
    )

    @model_validator(mode="after")
    def _validate_upstream(self) -> Self:
        given = [name for name in ("upstream_url", "upstream_command", "upstream_address") if getattr(self, name)]
        if len(given) != 1:
            raise UPSTREAM_NOT_ONE.error(
                count=len(given),
                url=contract.ENV_UPSTREAM_URL,
                command=contract.ENV_UPSTREAM_COMMAND,
                address=contract.ENV_UPSTREAM_ADDRESS,
            )
        if self.upstream_token is not None and AUTHORIZATION in map(str.lower, self.upstream_headers):
            raise UPSTREAM_TWO_TOKENS.error(token=contract.ENV_UPSTREAM_TOKEN, headers=contract.ENV_UPSTREAM_HEADERS)
        return self

    def headers(self, environment: Mapping[str, str] = os.environ) -> dict[str, Callable[[], str]]:
        """Return the headers with functions that read their values, which change if they come from files.

        Raises MessageError for a variable without a value.
        """
        names = list(self.upstream_headers.values())
        files, issues = secrets_in_files(environment, dict.fromkeys(names))
        raise_all(issues)
        missing = [name for name in names if name not in files and not environment.get(name)]
        if missing:
            raise UPSTREAM_HEADER_WITHOUT_VALUE.error(variable=missing[0], headers=contract.ENV_UPSTREAM_HEADERS)
        found = {
            header: (files.get(name) or FixedSecret(environment[name])).read
            for header, name in self.upstream_headers.items()
        }
        if (token := self.secret("upstream_token")) is not None:
            found[AUTHORIZATION] = lambda: f"Bearer {token.read()}"
        return found
