"""Reads a file of servers: JSON with comments and trailing commas, or YAML of several documents, with line numbers.

Values become plain data of bounded size. Errors name a line, and never quote the file: it may contain secrets.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.error_codes.cli import IMPORT_FILE_INVALID, IMPORT_FILE_UNREADABLE

MAX_KIB: Final = 256
"""Product rule: the largest files of clients in public repositories are below 100 KiB."""

MAX_VALUES: Final = 20_000
"""Product rule: bounds what YAML aliases expand to."""

Location = tuple[str | int, ...]
"""Where a value is: the number of the document, then keys and indexes."""

TOKEN: Final = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)
"""Strings, comments and trailing commas. Source: VS Code, "JSON with Comments"."""


class Source(NamedTuple):
    """A parsed file."""

    name: str
    documents: list[Any]
    lines: Mapping[Location, int]

    def line(self, location: Location) -> int | None:
        """The line of a value, or of the nearest one around it."""
        return next((self.lines[found] for found in around(location) if found in self.lines), None)


def around(location: Location) -> Iterator[Location]:
    """The location and those that contain it."""
    return (location[:length] for length in range(len(location), 0, -1))


class CoreLoader(yaml.SafeLoader):
    """Loader of YAML 1.2 integers, booleans, nulls and merge keys; all other scalars are text as written."""

    yaml_implicit_resolvers: Final = {}  # type: ignore[misc] # replaces those of YAML 1.1
    yaml_constructors: Final = {  # type: ignore[misc] # without those of dates, sets and bytes
        tag: constructor
        for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in {"map", "seq", "str", "int", "bool", "null"}
    }


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def read_source(path: Path) -> Source:
    """The parsed file; `-` is standard input. Raises ConfigurationError with one line."""
    name = "stdin" if str(path) == "-" else path.name
    text = read_text(path, name)
    try:
        return parsed(text, name)
    except JSONDecodeError as error:
        raise invalid(name, "JSON", error.msg.lower(), error.lineno) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise invalid(name, "YAML", without_quotes(error.problem), mark.line + 1 if mark else None) from None
    except yaml.YAMLError:
        raise invalid(name, "YAML", "it contains a character that YAML excludes") from None
    except RecursionError:
        raise invalid(name, "data", "it is nested too deeply") from None
    except (ValueError, LookupError):  # more digits than Python converts; `!!int` and `!!bool` with another text
        raise invalid(name, "data", "it contains a value outside the range of its type") from None


def invalid(name: str, kind: str, reason: str, line: int | None = None) -> ConfigurationError:
    """The error of a file that is not parsed."""
    where = f"{name}:{line}" if line else name
    return ConfigurationError.single(where, IMPORT_FILE_INVALID.message(kind=kind, reason=reason))


def without_quotes(problem: str | None) -> str:
    """A problem of PyYAML without names and characters of the file."""
    return re.sub(r"\s*'.*'", "", (problem or "it is malformed").split("\n")[0]) or "it is malformed"


def read_text(path: Path, name: str) -> str:
    """The text of the file."""
    try:
        with sys.stdin.buffer if name == "stdin" else path.open("rb") as stream:
            content = stream.read(MAX_KIB * 1024 + 1)
        if len(content) > MAX_KIB * 1024:
            reason = "it is too large"
        else:
            return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = (getattr(error, "strerror", None) or "the path is invalid").lower()
    raise ConfigurationError.single(name, IMPORT_FILE_UNREADABLE.message(reason=reason, most=MAX_KIB))


def parsed(text: str, name: str) -> Source:
    """The documents of a text with the lines of their values."""
    if text.lstrip().startswith(("{", "[", "//", "/*")):
        plain = without_comments(text)
        documents: list[Any] = [json.loads(plain)]
        try:
            lines = located(list(yaml.compose_all(plain.replace("\t", " "), CoreLoader)))
        except yaml.YAMLError:  # JSON that is not YAML: there are no lines
            lines = {}
    else:
        lines = located(list(yaml.compose_all(text, CoreLoader)))
        documents = list(yaml.load_all(text, CoreLoader))
    count = [0]
    return Source(name, [plain_data(document, name, count) for document in documents], lines)


def without_comments(text: str) -> str:
    """JSON without comments and trailing commas; lines and columns stay."""

    def blank(found: re.Match[str]) -> str:
        token = found[0]
        return token if token.startswith('"') else re.sub(r"[^\n]", " ", token)

    once = TOKEN.sub(blank, text)
    return TOKEN.sub(blank, once)  # a comma that a comment separated from its bracket


def plain_data(value: Any, name: str, count: list[int]) -> Any:
    """A copy with text keys, without aliases. Raises ConfigurationError above MAX_VALUES."""
    count[0] += 1
    if count[0] > MAX_VALUES:
        raise invalid(name, "data", f"it has more than {MAX_VALUES} values")
    if isinstance(value, dict):
        return {encodable(str(key)): plain_data(item, name, count) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain_data(item, name, count) for item in value]
    return value if isinstance(value, int | float | bool | None) else encodable(str(value))


def encodable(text: str) -> str:
    """The text without lone surrogates, which JSON can escape and no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def located(documents: list[yaml.Node | None]) -> dict[Location, int]:
    """The line of every value, up to MAX_VALUES of them."""
    found: dict[Location, int] = {}
    waiting: list[tuple[Location, yaml.Node | None]] = [((number,), node) for number, node in enumerate(documents)]
    while waiting and len(found) < MAX_VALUES:
        location, node = waiting.pop()
        if node is None:
            continue
        found.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*location, str(key.value) if isinstance(key, yaml.ScalarNode) else "?")
                found[inner] = key.start_mark.line + 1
                waiting.append((inner, value))
        elif isinstance(node, yaml.SequenceNode):
            waiting += [((*location, index), item) for index, item in enumerate(node.value)]
    return found
