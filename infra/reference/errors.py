"""Generator of docs/reference/errors.md (`make golden`) from the catalog in `meshed_mcp/error_codes`."""

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import yaml

from meshed_mcp import error_codes
from meshed_mcp.error_codes.code import ErrorCode, catalog
from meshed_mcp.infra.config import NAMESPACE

AREAS: Final = (
    "values",
    "stack",
    "service",
    "identity",
    "pod",
    "mesh",
    "network",
    "addresses",
    "browsers",
    "observability",
    "autoscaling",
    "signals",
    "calls",
    "user_credentials",
    "check",
    "live",
    "local",
    "runtime",
    "tokens",
    "secrets",
    "sessions",
    "cli",
)
"""Modules of the catalog, in the order of the page."""

SERVICE: Final[Mapping[str, Any]] = {"image": "registry.example.com/mcp-search:1.0"}
"""What an example of one service has beside the field that it shows."""

HEADER: Final = """# Error codes

Each error, warning and note of `pulumi preview`, `meshed-mcp` and the start of the runtime has a stable code.
Search this page for the code. `{name}` in a text stands for a value.

This page is generated from `meshed_mcp/error_codes` by `make golden`; do not edit it.
"""


class Entry(NamedTuple):
    """One code with its explanation."""

    name: str
    """Name in the catalog module."""

    code: ErrorCode
    explanation: Mapping[str, str]
    """`cause`, `fix`, and either `service` or `stack` with `fixed` (YAML), or `example` with why it is `untested`."""

    @property
    def wrong(self) -> dict[str, Any] | None:
        """Keys of a stack file that produce the code; None where the example is not a stack file."""
        return self._keys("stack") if "stack" in self.explanation else self._keys("service")

    @property
    def fixed(self) -> dict[str, Any] | None:
        """The same keys after the fix."""
        return self._keys("fixed")

    def _keys(self, field: str) -> dict[str, Any] | None:
        if field not in self.explanation:
            return None
        value: dict[str, Any] = yaml.safe_load(self.explanation[field])
        return {"services": {"mcp-search": {**SERVICE, **value}}} if "service" in self.explanation else value


def entries(area: str) -> list[Entry]:
    """The codes of one catalog module, in its order. Raises KeyError for a code without an explanation."""
    module = importlib.import_module(f"{error_codes.__name__}.{area}")
    found = {name: code for name, code in vars(module).items() if isinstance(code, ErrorCode)}
    return [Entry(name, code, catalog(area)[code.code]) for name, code in found.items()]


def page() -> str:
    """The whole page."""
    lines = [HEADER]
    for area in AREAS:
        module = importlib.import_module(f"{error_codes.__name__}.{area}")
        lines += [f"## {str(module.__doc__).partition(':')[0]}\n"]
        for entry in sorted(entries(area), key=lambda each: each.code.code):
            lines += section(entry)
    return "\n".join(lines)


def section(entry: Entry) -> Iterator[str]:
    """One code: its text, cause, example and fix."""
    yield f"### {entry.code.code}\n"
    text = re.sub(r"\{(\w+)(?:![rsa])?(?::[^}]*)?\}", r"{\1}", entry.code.text.replace("{{", "\0").replace("}}", "\1"))
    yield f"`{text.replace(chr(0), '{').replace(chr(1), '}')}`\n"
    yield f"**Cause.** {entry.explanation['cause']}\n"
    yield "**Example.**\n"
    yield from block(entry.wrong, entry.explanation.get("example", ""))
    yield f"**Fix.** {entry.explanation['fix']}\n"
    if entry.fixed is not None:
        yield from block(entry.fixed, "")


def block(keys: Mapping[str, Any] | None, text: str) -> Iterator[str]:
    """A fenced block: the keys of a stack file, or a text."""
    if keys is None:
        yield f"```text\n{text.rstrip()}\n```\n"
        return
    yield "```yaml\nconfig:"
    for key, value in keys.items():
        yield f"  {NAMESPACE}:{key}:{below(value)}"
    yield "```\n"


def below(value: Any) -> str:
    """A value after its key: services one per line, other structures on one line."""
    if isinstance(value, dict) and value and all(isinstance(each, dict) for each in value.values()):
        return "".join(f"\n    {name}: {flow(each)}" for name, each in value.items())
    return f" {flow(value)}"


def flow(value: Any) -> str:
    """A value in YAML's flow style, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w./-]*", value) and value.lower() not in {"on", "off"}
    return str(value) if plain else json.dumps(value)
