"""Reads `Pulumi.yaml` and `Pulumi.<stack>.yaml` into the configuration that the program sees.

As in the Pulumi CLI, values are strings, structures are JSON, a key without a namespace belongs to the project, and
values of the stack replace the project's defaults.
"""

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from meshed_mcp.components.core.errors import ConfigurationError, suggestion
from meshed_mcp.components.core.properties import key_text
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.stack import KEY_TWICE, NOT_NAMES_TO_VALUES, NOT_YAML, PROJECT_MISSING, UNKNOWN_STACK

SECRET_PLACEHOLDER: Final = "[secret]"  # noqa: S105 - a placeholder
"""Placeholder of an encrypted value, which no rendered file may contain."""


class Project(NamedTuple):
    """A project and one stack's configuration, flat, as `pulumi.Config` reads it."""

    name: str
    program: Path
    config: dict[str, str]
    secret_keys: list[str]


class StrictLoader(yaml.SafeLoader):
    """YAML 1.1 loader that rejects duplicate keys, as Pulumi's parser does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of `node`. Raises ConfigurationError with the key and both lines."""
        first_lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if isinstance(key, Hashable) and key in first_lines:
                message = KEY_TWICE.message(first=first_lines[key], line=line)
                raise ConfigurationError.single(Path(self.name).name, message, str(key))
            first_lines[key] = line
        return super().construct_mapping(node, deep)


def read_project(folder: Path, stack: str) -> Project:
    """The project in `folder` with the values of `stack`. Raises ConfigurationError for a missing or invalid file."""
    project = read_yaml(folder / "Pulumi.yaml", PROJECT_MISSING.message())
    stacks = sorted(path.name.split(".")[1] for path in folder.glob("Pulumi.*.yaml"))
    stack_file = folder / f"Pulumi.{stack}.yaml"
    values = read_yaml(stack_file, UNKNOWN_STACK.message(stack=stack, suggested=suggestion(stack, stacks)))
    name = str(project.get("name", folder.name))
    config, secret_keys = dict[str, str](), list[str]()
    for key, value in {**defaults(project), **mapping(values.get("config"), stack_file, "config")}.items():
        full_key = key if ":" in key else f"{name}:{key}"
        config[full_key], secret = flat_value(value)
        secret_keys += [full_key] if secret else []
    program = folder / str(project.get("main", "")) / "__main__.py"
    return Project(name, program.resolve(), config, secret_keys)


def read_yaml(path: Path, absent: Message) -> dict[str, Any]:
    """The mapping in a YAML file."""
    try:
        with path.open("rb") as stream:
            return mapping(yaml.load(stream, StrictLoader), path, "")  # noqa: S506 - a SafeLoader subclass
    except OSError as error:
        raise ConfigurationError.single(path.name, absent) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).replace(str(path), path.name).split())
        raise ConfigurationError.single(path.name, NOT_YAML.message(reason=reason)) from error


def mapping(value: Any, path: Path, field: str) -> dict[str, Any]:
    """`value` as a mapping with text keys; None is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ConfigurationError.single(path.name, NOT_NAMES_TO_VALUES.message(), field)
    return value


def defaults(project: dict[str, Any]) -> dict[str, Any]:
    """Defaults in `Pulumi.yaml` below `config:`: a plain value, or a declaration with `value` or `default`."""
    found: dict[str, Any] = {}
    for key, declared in (project.get("config") or {}).items():
        if isinstance(declared, dict):
            if (word := next((word for word in ("value", "default") if word in declared), None)) is not None:
                found[key] = declared[word]
        else:
            found[key] = declared
    return found


def flat_value(value: Any) -> tuple[str, bool]:
    """A value as Pulumi passes it to the program, and whether it contains a secret."""
    if isinstance(value, str):
        return value, False
    plain, secret = without_secrets(value)
    return (plain if isinstance(plain, str) else json.dumps(plain, default=str)), secret


def without_secrets(value: Any) -> tuple[Any, bool]:
    """`value` with `secure:` leaves replaced by the placeholder, and whether there was one."""
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            return SECRET_PLACEHOLDER, True
        parts = {key_text(key): without_secrets(item) for key, item in value.items()}
        return {key: part for key, (part, _) in parts.items()}, any(secret for _, secret in parts.values())
    if isinstance(value, list):
        items = [without_secrets(item) for item in value]
        return [part for part, _ in items], any(secret for _, secret in items)
    return value, False
