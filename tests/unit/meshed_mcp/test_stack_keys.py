"""Keys of the stack file in messages of the runtime."""

import pytest
from pydantic import BaseModel

from meshed_mcp import contract
from meshed_mcp.agents.auth.settings import variable_of
from meshed_mcp.agents.bridge.settings import BridgeSettings
from meshed_mcp.agents.settings import Settings, SettingsError
from meshed_mcp.components.mesh.service.validation import SET_BY_COMPONENT, validate_variable_names
from meshed_mcp.contract import NOT_A_KEY, STACK_KEYS, STACK_WIDE
from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.infra.config import ServiceConfig, StackConfig

KEYS = sorted(key for key in STACK_KEYS.values() if key != NOT_A_KEY)


def has_key(model: type[BaseModel], path: str) -> bool:
    """Whether a model, or the models of its fields, have the field at a path of names joined by dots."""
    name, _, rest = path.partition(".")
    if name not in model.model_fields:
        return False
    inner = [model.model_fields[name].annotation, *getattr(model.model_fields[name].annotation, "__args__", ())]
    return not rest or any(
        isinstance(each, type) and has_key(each, rest) for each in inner if hasattr(each, "model_fields")
    )


@pytest.mark.parametrize("key", KEYS)
def test_each_key_that_a_message_advises_is_a_key_of_the_stack_file(key: str) -> None:
    """Requirement CFG-12: a message never advises a setting that the product then rejects."""
    assert has_key(StackConfig if key.partition(".")[0] in STACK_WIDE else ServiceConfig, key)


def test_each_variable_that_a_stack_rejects_has_an_entry() -> None:
    """Requirement MSG-1: a message that names a setting names the key of the stack file."""
    known = {variable_of(name) for name in BridgeSettings.model_fields} | {contract.ENV_OUTBOUND_CALLS}
    assert set(STACK_KEYS) - {contract.ENV_DATABASE_URL} == SET_BY_COMPONENT
    assert set(STACK_KEYS) <= known


def test_a_file_of_a_variable_has_the_same_source() -> None:
    """Requirement CFG-5: a second source would bypass the validation."""
    with pytest.raises(MessageError, match="remove it and set `redis`"):
        validate_variable_names([f"{contract.ENV_REDIS_URL}{contract.FILE_SUFFIX}"])


def test_an_error_at_the_start_names_the_keys_of_its_variables() -> None:
    """Requirement MSG-1: an operator of a stack never set the variables."""
    with pytest.raises(SettingsError) as rejected:
        Settings.from_environment({contract.ENV_LEGACY: "never", contract.ENV_PORT: "0"})
    port, legacy = rejected.value.report().splitlines()
    assert legacy.endswith("(in the stack file: `legacy`)")
    assert "stack file" not in port


def test_a_setting_without_a_key_is_named_by_its_variable() -> None:
    """Requirement MSG-1: for a process without a stack, the variable is the setting."""
    assert contract.setting(contract.ENV_PORT) == "MESHED_MCP_PORT"
    assert contract.setting(contract.ENV_BODY_BYTES) == (
        "`limits.body_bytes` in the stack file, MESHED_MCP_BODY_BYTES without one"
    )
