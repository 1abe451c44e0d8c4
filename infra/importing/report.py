"""Collects the servers of an import, and one line for everything that is not carried over or must be set."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.core.names import MAX_SERVICE_NAME_CHARACTERS
from meshed_mcp.components.mesh.service.validation import SET_BY_COMPONENT
from meshed_mcp.error_codes import cli as codes
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.importing.reasons import Reason
from meshed_mcp.infra.importing.source import Location, Source

VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""Source: POSIX, "Environment Variables"; a stack file accepts no other."""


@dataclass
class Server:
    """One server: its name in the stack, where it is in the file, and its keys of the stack file."""

    name: str
    location: Location
    report: "Report"
    settings: dict[str, Any] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    """Keys of `meshed-mcp:bridge` that it needs: `image`, `npm_image`, `pypi_image`."""

    @property
    def is_package(self) -> bool:
        """Whether a package without an image runs, whose arguments Kubernetes does not see."""
        return bool(self.images & {"npm_image", "pypi_image"})

    @property
    def secret_name(self) -> str:
        """Name of the Secret with its secrets."""
        return f"{self.name}-credentials"

    def refer(self, key: str, variable: str, location: Location) -> dict[str, str]:
        """A reference to a key of the Secret; `variable` is the shell variable that the command reads."""
        keys = self.report.secrets.setdefault(self.secret_name, {})
        if key not in keys:
            self.report.note(location, codes.SECRET_REFERENCED.message(secret=self.secret_name, key=key))
        keys[key] = variable
        return {"secret": self.secret_name, "key": key}

    def set_variable(self, name: str, value: str, location: Location) -> None:
        """Set an environment variable that is no secret."""
        if self.accepts(name, location):
            self.settings.setdefault("env", {})[name] = value

    def set_secret_variable(self, name: str, location: Location) -> None:
        """Refer to a secret for an environment variable."""
        if self.accepts(name, location):
            self.settings.get("env", {}).pop(name, None)
            self.settings.setdefault("secret_env", {})[name] = self.refer(name, name, location)

    def accepts(self, name: str, location: Location) -> bool:
        """Whether a stack can set a variable; notes why not."""
        reason = None
        if VARIABLE_NAME.fullmatch(name) is None:
            reason = Reason("the name has characters other than letters, digits and _", "use another name")
        elif name in SET_BY_COMPONENT:
            reason = Reason("the platform sets this variable", "use the key of the stack file that sets it")
        if reason:
            self.report.leave(location, reason)
        return reason is None

    def to_set(self, key: str, why: str, location: Location) -> None:
        """Note a key that the user must set."""
        self.report.to_set(f"{self.name}.{key}", why, location)


@dataclass
class Report:
    """What an import found."""

    source: Source
    servers: list[Server] = field(default_factory=list)
    notes: list[tuple[Location, Message]] = field(default_factory=list)
    must_set: dict[str, tuple[str, Location]] = field(default_factory=dict)
    """Key of a service, such as `github.package` -> why it must be set, and the place in the file."""

    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    """Secret -> key -> shell variable with the value."""

    commands: list[tuple[str, str]] = field(default_factory=list)
    """Other commands of kubectl that create what the stack file refers to, before and after the namespace."""

    namespaces: dict[str, Location] = field(default_factory=dict)
    """Namespaces of the imported resources, each with where it is first."""

    @property
    def namespace(self) -> str | None:
        """Namespace of what the stack file refers to; None = the default of a stack."""
        return next(iter(self.namespaces)) if len(self.namespaces) == 1 else None

    def server(self, name: str, location: Location) -> Server:
        """A new server with a unique name that a stack accepts."""
        unique = unused(service_label(name), {server.name for server in self.servers})
        if unique != name:
            self.note(location, codes.SERVER_RENAMED.message(name=unique))
        self.servers.append(Server(unique, location, self))
        return self.servers[-1]

    def leave(self, location: Location, reason: Reason) -> None:
        """Note a field that is not carried over."""
        self.note(location, codes.NOT_CARRIED_OVER.message(why=reason.why, advice=reason.advice))

    def leave_server(self, location: Location, reason: Reason) -> None:
        """Note a server that is left out, and forget what was drafted of it."""
        for server in [each for each in self.servers if each.location == location]:
            self.servers.remove(server)
            self.secrets.pop(server.secret_name, None)
            for key in [key for key in self.must_set if key.startswith(f"{server.name}.")]:
                self.forget(key)
        self.note(location, codes.SERVER_LEFT_OUT.message(why=reason.why, advice=reason.advice))

    def to_set(self, key: str, why: str, location: Location) -> None:
        """Note a key that the user must set."""
        self.must_set[key] = (why, location)

    def forget(self, key: str) -> None:
        """Drop the note on a key that turned out to be known."""
        self.must_set.pop(key, None)

    def note(self, location: Location, message: Message) -> None:
        """Add a line about a place in the file."""
        self.notes.append((location, message))

    def issues(self) -> list[ConfigIssue]:
        """All lines in the order of the file; those about the whole file are last."""
        found = [
            (location, codes.VALUE_TO_SET.message(key=key, why=why)) for key, (why, location) in self.must_set.items()
        ]
        lines = [(self.source.line(location), location, message) for location, message in [*self.notes, *found]]
        ordered = sorted(lines, key=lambda each: each[0] or math.inf)
        return [ConfigIssue(self.place(line), field_text(location[1:]), message) for line, location, message in ordered]

    def place(self, line: int | None) -> str:
        """`mcp.json:12`."""
        return f"{self.source.name}:{line}" if line else self.source.name


def field_text(location: Location) -> str:
    """`mcpServers.github.args[2]`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".")


def service_label(name: str) -> str:
    """The name as a DNS label that begins with a letter, as short as a service's name must be."""
    label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    label = label if label[:1].isalpha() else f"mcp-{label}"
    return label[:MAX_SERVICE_NAME_CHARACTERS].strip("-")


def unused(label: str, taken: set[str]) -> str:
    """The label, or the label with the first number that no other server has."""
    return next(name for name in candidates(label) if name not in taken)


def candidates(label: str) -> Iterator[str]:
    """`label`, `label-2`, `label-3` and so on, each within the length of a service's name."""
    yield label
    number = 2
    while True:
        suffix = f"-{number}"
        yield label[: MAX_SERVICE_NAME_CHARACTERS - len(suffix)].rstrip("-") + suffix
        number += 1
