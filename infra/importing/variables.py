"""Substitution of variables: `${input:id}`, `${env:NAME}` and `${NAME:-default}` of clients, and those of Compose."""

import re
from collections.abc import Callable, Mapping
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


Resolver = Callable[[str], Resolved]
"""Substitution in the way of one format."""


def literal(text: str) -> Resolved:
    """A text of a format without variables."""
    return Resolved(text, (), secret=False)


def resolved(text: str, inputs: Mapping[str, Input]) -> Resolved:
    """`text` with the defaults of its references."""
    missing: list[str] = []
    secret = False

    def value(found: re.Match[str]) -> str:
        nonlocal secret
        name, default = found["name"], found["default"]
        if found["kind"] in {"input", None} and (asked := inputs.get(name)):
            secret = secret or asked.secret
            default = asked.default if default is None else default
        secret = secret or is_secret_name(name)
        if default is not None:
            return default
        missing.append(found[0])
        return found[0]

    return Resolved(REFERENCE.sub(value, text), tuple(missing), secret)


def with_variables(variables: Mapping[str, str], inputs: Mapping[str, Input]) -> Resolver:
    """A resolver of a client's file that knows the values of an entry's own variables."""
    known = {**inputs, **{name: Input(secret=False, default=value) for name, value in variables.items()}}

    def resolve(text: str) -> Resolved:
        return resolved(text, known)

    return resolve


INTERPOLATION: Final = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<operator>:?[-?+])(?P<word>[^{}]*))?\}|(?P<plain>[A-Za-z_]\w*))"
)
"""Source: Compose Specification, "Interpolation"."""


def interpolated(text: str) -> Resolved:
    """A text of a Compose file with the defaults of its variables; no variable is set."""
    missing: list[str] = []
    secret = False

    def value(found: re.Match[str]) -> str:
        nonlocal secret
        if found["dollar"]:
            return "$"
        secret = secret or is_secret_name(found["name"] or found["plain"])
        operator = (found["operator"] or "").lstrip(":")
        if operator in {"-", "+"}:
            return str(found["word"]) if operator == "-" else ""
        missing.append(f"${{{found['name'] or found['plain']}}}")
        return missing[-1]

    return Resolved(INTERPOLATION.sub(value, text), tuple(missing), secret)
