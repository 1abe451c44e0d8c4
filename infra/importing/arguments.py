"""Sets arguments and environment variables of a server: secrets become references, unknown values are noted."""

import re
from collections.abc import Sequence
from typing import Final

from meshed_mcp.infra.importing import reasons
from meshed_mcp.infra.importing.fields import Text
from meshed_mcp.infra.importing.report import Server
from meshed_mcp.infra.importing.secrecy import (
    assigns_secret,
    is_secret,
    is_secret_name,
    is_secret_value,
    is_switch,
    variable_of,
)
from meshed_mcp.infra.importing.source import Location
from meshed_mcp.infra.importing.variables import Resolver, literal

MACHINE_PATH: Final = re.compile(r"(?:.*=)?(?:file://|~|\.{1,2}/|\.$|/Users/|/home/|/root/|[A-Za-z]:[\\/]|\\\\).*")
"""Paths that exist on the machine of a user only."""

NO_SUCH_PATH: Final = "it is a path of this machine; mount a volume and use its path"


def set_variable(
    server: Server, name: str, value: str, location: Location, resolve: Resolver = literal, *, secret: bool = False
) -> None:
    """Set a variable, refer to a secret, or note that its value is missing."""
    found = resolve(value)
    if secret or found.secret or is_secret(name, found.text):
        server.set_secret_variable(name, location)
    elif found.missing:
        if server.accepts(name, location) and name not in server.settings.get("env", {}):
            server.to_set(f"env.{name}", f"its value {' '.join(found.missing)} is not in the file", location)
    else:
        server.report.forget(f"{server.name}.env.{name}")
        server.set_variable(name, found.text, location)
        if MACHINE_PATH.fullmatch(found.text):
            server.to_set(f"env.{name}", NO_SUCH_PATH, location)


def set_arguments(server: Server, args: Sequence[Text], resolve: Resolver = literal) -> None:
    """Set the arguments; a secret of an image is read from a variable, that of a package is left out."""
    kept: list[str] = []
    option = ""
    for each in args:
        found = resolve(each.text)
        name, equals, value = found.text.partition("=") if each.text.startswith("-") else ("", "", found.text)
        holder = name if equals else option
        secret = found.secret or is_secret_value(value) or assigns_secret(value)
        secret = secret or (is_secret_name(holder) and bool(value) and not is_switch(value))
        option = name if name and not equals else ""
        if not secret:
            kept.append(found.text)
            note_argument(server, found.text, found.missing, len(kept) - 1, each.location)
        elif (variable := secret_argument(server, holder, each.location)) is not None:
            kept.append(f"{name}={variable}" if equals else variable)
        elif not equals and kept and kept[-1] == holder:
            kept.pop()
    if kept:
        server.settings["args"] = [*server.settings.get("args", []), *kept]


def secret_argument(server: Server, name: str, location: Location) -> str | None:
    """An argument that Kubernetes replaces by a secret variable; None for a package, whose arguments it does not see.

    Source: Kubernetes, "Use environment variables to define arguments".
    """
    if server.is_package:
        server.report.leave(location, reasons.SECRET_ARGUMENT)
        return None
    variable = variable_of(server.name, name.strip("-") or "argument")
    server.set_secret_variable(variable, location)
    return f"$({variable})"


def set_secret_argument(server: Server, option: Sequence[Text], name: str, location: Location) -> None:
    """Append an argument whose value is a secret, after its option."""
    variable = secret_argument(server, name, location)
    if variable is not None:
        words = [each.text for each in option]
        server.settings["args"] = [*server.settings.get("args", []), *words, variable]


def note_argument(server: Server, text: str, missing: Sequence[str], index: int, location: Location) -> None:
    """Note an argument that means nothing in a pod."""
    if missing:
        server.to_set(f"args[{index}]", f"its value {' '.join(missing)} is not in the file", location)
    elif MACHINE_PATH.fullmatch(text):
        server.to_set(f"args[{index}]", NO_SUCH_PATH, location)
