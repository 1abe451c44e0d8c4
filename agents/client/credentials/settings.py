"""Setting of the runtime: the table of outbound calls, and the secrets that its rows name."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from meshed_mcp import contract
from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.contract import OutboundCall
from meshed_mcp.error_codes.calls import CALL_SECRET_MISSING, CALL_TABLE_INVALID

_TABLE: Final = TypeAdapter(tuple[OutboundCall, ...])


def _parsed(value: Any) -> Any:
    return outbound_calls(value) if isinstance(value, str) else value


class CallSettings(BaseModel):
    """The part of `Settings` about calls of other services."""

    outbound_calls: Annotated[tuple[OutboundCall, ...], BeforeValidator(_parsed)] = Field(
        (), description="a JSON list of destinations"
    )


@cache
def outbound_calls(text: str) -> tuple[OutboundCall, ...]:
    """Return the table in ENV_OUTBOUND_CALLS; empty without one. Raises MessageError."""
    if not text:
        return ()
    try:
        return _TABLE.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the value"
        raise CALL_TABLE_INVALID.error(variable=contract.ENV_OUTBOUND_CALLS, where=where, why=first["msg"]) from None


def secret_value(variable: str, environment: Mapping[str, str]) -> str:
    """Return the secret in a variable, or in the file that `<variable>_FILE` names. Raises CredentialsError."""
    file = environment.get(variable + contract.SECRET_FILE_SUFFIX)
    try:
        found = Path(file).read_text("utf-8") if file else environment.get(variable, "")
    except (OSError, UnicodeDecodeError):
        found = ""
    if not found.strip():
        raise CredentialsError(CALL_SECRET_MISSING.message(variable=variable, suffix=contract.SECRET_FILE_SUFFIX))
    return found.strip()
