"""Recognizes the format of a file and drafts its servers."""

import re
from typing import Any, Final, Protocol

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.error_codes import cli as codes
from meshed_mcp.infra.importing import clients, compose, kmcp, registry, stack_text, toolhive
from meshed_mcp.infra.importing.kubernetes import resources_of
from meshed_mcp.infra.importing.reasons import OTHER_RESOURCE
from meshed_mcp.infra.importing.report import Report, Server
from meshed_mcp.infra.importing.source import Location, Source
from meshed_mcp.infra.importing.sweep import replace_secrets
from meshed_mcp.infra.parsing import service_issues


class Format(Protocol):
    """A module that reads one format."""

    def matches(self, document: Any) -> bool:
        """Whether a document, or a Kubernetes resource, has the format."""

    def read(self, report: Report, document: Any, location: Location) -> None:
        """Draft the servers of a document at a location."""


FORMATS: Final[tuple[Format, ...]] = (toolhive, kmcp, clients, registry, compose)
"""In the order in which they are tried; `servers` of a client and of the registry differ in their types."""


def imported(source: Source) -> Report:
    """The servers of a file. Raises ConfigurationError if its format is unknown."""
    report = Report(source)
    parts = [part for number, document in enumerate(source.documents) for part in resources_of(document, (number,))]
    found = [(next((each for each in FORMATS if each.matches(part)), None), part, at) for part, at in parts]
    if not any(each for each, _, _ in found):
        raise ConfigurationError.single(source.name, codes.IMPORT_FORMAT_UNKNOWN.message())
    for each, part, location in found:
        if each:
            each.read(report, part, location)
        elif part is not None:
            report.leave(location, OTHER_RESOURCE)
    for server in report.servers:
        replace_secrets(server)
        note_issues(server)
    note_stack(report)
    return report


SOURCES: Final = ("image", "package", "url")


def note_issues(server: Server) -> None:
    """Note what `check` would reject, beside what is noted already."""
    noted = [key.removeprefix(f"{server.name}.") for key in server.report.must_set if key.startswith(f"{server.name}.")]
    for issue in service_issues(server.name, server.settings):
        field, message = field_of(issue)
        if not any(field.startswith(key) or (not field and key in SOURCES) for key in noted):
            server.report.to_set(f"{server.name}.{field}" if field else server.name, message, server.location)


def field_of(issue: ConfigIssue) -> tuple[str, str]:
    """The field of an issue and the rest of its message, which begins with the field in rules between fields."""
    found = FIELD.match(issue.message)
    if issue.field or found is None:
        return issue.field, str(issue.message)
    return found["field"], issue.message[found.end() :]


FIELD: Final = re.compile(r"(?P<field>[a-z][a-z_]*(?:\.[\w-]+|\[\d+\])*): ")


def note_stack(report: Report) -> None:
    """Note what concerns all servers: images of the bridge, namespaces, access."""
    for key in stack_text.IMAGES:
        first = next((server for server in report.servers if key in server.images), None)
        if first:
            report.to_set(f"meshed-mcp:bridge.{key}", NEEDS_IMAGE, first.location)
    if report.namespace:
        first_in = next(iter(report.namespaces.values()))
        report.note(first_in, codes.NAMESPACE_KEPT.message(namespace=report.namespace))
    elif report.namespaces:
        names = ", ".join(report.namespaces)
        report.note(next(iter(report.namespaces.values())), codes.NAMESPACES_DIFFER.message(namespaces=names))
    if report.servers:
        report.note((), codes.NO_ACCESS_IMPORTED.message())


NEEDS_IMAGE: Final = "replace the registry by the one that has this image of the bridge"
