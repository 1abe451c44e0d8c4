"""Recognizes the format of a file and drafts its servers."""

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.error_codes import cli as codes
from meshed_mcp.infra.importing import clients, stack_text
from meshed_mcp.infra.importing.report import Report
from meshed_mcp.infra.importing.source import Source


def imported(source: Source) -> Report:
    """The servers of a file. Raises ConfigurationError if its format is unknown."""
    report = Report(source)
    known = False
    for number, document in enumerate(source.documents):
        if clients.servers_of(document) is not None:
            clients.read_clients(report, number)
            known = True
    if not known:
        raise ConfigurationError.single(source.name, codes.IMPORT_FORMAT_UNKNOWN.message())
    note_images(report)
    return report


def note_images(report: Report) -> None:
    """Note the images of the bridge, which the user builds."""
    for key in stack_text.IMAGES:
        first = next((server for server in report.servers if key in server.images), None)
        if first:
            why = "replace the registry by the one that has the image of the bridge"
            report.to_set(f"meshed-mcp:bridge.{key}", why, first.location)
