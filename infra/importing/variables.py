"""Substitution of the variables in a client's file: `${input:id}`, `${env:NAME}`, `${NAME}`, `${NAME:-default}`."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from meshed_mcp.infra.importing.secrecy import is_secret_name

REFERENCE: Final = re.compile(
    r"\$\{(?:(?P<kind>input|env|config|command):)?(?P<name>[^}:]+)(?::-(?P<default>[^}]*))?\}"
)
"""Source: VS Code, "Variables reference"; Claude Code, "Environment variable expansion in .mcp.json"."""


class Input(NamedTuple):
    """A value that VS Code asks for."""

    secret: bool
    default: str | None


class Resolved(NamedTuple):
    """A text after substitution."""

    text: str
    missing: tuple[str, ...]
    """References without a value."""

    secret: bool
    """Whether one of the references is to a secret."""


def resolved(text: str, inputs: Mapping[str, Input]) -> Resolved:
    """`text` with the defaults of its references."""
    missing: list[str] = []
    secret = False

    def value(found: re.Match[str]) -> str:
        nonlocal secret
        name, default = found["name"], found["default"]
        if found["kind"] == "input" and (asked := inputs.get(name)):
            secret = secret or asked.secret
            default = asked.default if default is None else default
        secret = secret or is_secret_name(name)
        if default is not None:
            return default
        missing.append(found[0])
        return found[0]

    return Resolved(REFERENCE.sub(value, text), tuple(missing), secret)
