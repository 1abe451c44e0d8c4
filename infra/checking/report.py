"""Everything wrong with a recording, and what was not judged and why."""

from typing import NamedTuple

from meshed_mcp.components.core.errors import Fault
from meshed_mcp.infra.checking.chart_secrets import release_notes
from meshed_mcp.infra.checking.references import reference_faults
from meshed_mcp.infra.checking.rules import rule_faults
from meshed_mcp.infra.checking.schema import schema_faults, unchecked_kinds
from meshed_mcp.infra.recording import Recording


class Report(NamedTuple):
    """`faults` must be empty for the check to pass; `notes` say what was not judged, or must come from elsewhere."""

    objects: int
    faults: list[Fault]
    notes: list[str]


def check(recording: Recording) -> Report:
    """Judge every object alone, then all of them together."""
    objects = recording.objects
    faults = [fault for item in objects for fault in schema_faults(item)]
    references, missing = reference_faults(objects)
    read_by_charts = release_notes(objects, recording.releases)
    notes = [*unchecked_kinds(objects), *missing, *read_by_charts]
    return Report(len(objects), [*faults, *references, *rule_faults(objects)], notes)
