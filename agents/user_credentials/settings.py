"""Settings of the runtime for credentials of users: the table of providers and the keys that encrypt."""

from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from meshed_mcp import contract
from meshed_mcp.agents.state.request_state_keys import parse_state_keys
from meshed_mcp.contract import UserCredentials
from meshed_mcp.error_codes.user_credentials import CREDENTIAL_TABLE_INVALID, CREDENTIALS_INCOMPLETE

_REQUIRED: Final = (contract.ENV_CREDENTIAL_KEYS, contract.ENV_AUTH_ISSUERS)


def _table(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return UserCredentials.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the value"
        raise CREDENTIAL_TABLE_INVALID.error(where=where, why=first["msg"]) from None


class UserCredentialSettings(BaseModel):
    """The part of `Settings` about credentials of users."""

    user_credentials: Annotated[UserCredentials | None, BeforeValidator(_table)] = Field(
        None, description="a JSON object of providers and a login"
    )
    credential_keys: Annotated[
        tuple[str, ...],
        BeforeValidator(lambda value: parse_state_keys(value) if isinstance(value, str) else value),
        Field(repr=False, description="one key per line"),
    ] = ()

    @model_validator(mode="after")
    def _validate_user_credentials(self) -> Self:
        if self.user_credentials is None:
            return self
        given = {contract.ENV_CREDENTIAL_KEYS: self.credential_keys, contract.ENV_AUTH_ISSUERS: self._issuers()}
        missing = [name for name in _REQUIRED if not given[name]]
        if missing:
            raise CREDENTIALS_INCOMPLETE.error(
                given=contract.ENV_USER_CREDENTIALS, missing=" and ".join(map(contract.setting, missing))
            )
        return self

    def _issuers(self) -> Any:
        return getattr(self, "auth_issuers", ())
