"""Setting of the runtime: the table of outbound calls, and the secrets that its rows name."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from meshed_mcp import contract
from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.agents.process.secret_files import FixedSecret, Secret, SecretFile
from meshed_mcp.contract import OutboundCall
from meshed_mcp.error_codes.calls import CALL_SECRET_MISSING, CALL_TABLE_INVALID
from meshed_mcp.error_codes.code import MessageError

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


def client_secret(variable: str, environment: Mapping[str, str]) -> Secret:
    """Return the secret in a variable, or in the file that `<variable>_FILE` names, which may change."""
    file = environment.get(variable + contract.FILE_SUFFIX)
    return SecretFile(file) if file else FixedSecret(environment.get(variable, ""))


def secret_value(secret: Secret, variable: str) -> str:
    """Return the current value. Raises CredentialsError for a missing one."""
    try:
        found = secret.read().strip()
    except MessageError:
        found = ""
    if not found:
        raise CredentialsError(CALL_SECRET_MISSING.message(variable=variable, suffix=contract.FILE_SUFFIX))
    return found
