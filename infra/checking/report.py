"""Everything wrong with a recording, and what was not judged and why."""

from typing import NamedTuple

from meshed_mcp.components.core.errors import Fault
from meshed_mcp.infra.checking.chart_secrets import release_notes
from meshed_mcp.infra.checking.references import reference_faults
from meshed_mcp.infra.checking.rules import rule_faults
from meshed_mcp.infra.checking.schema import CRD_DIR_VARIABLE, crd_folder, crd_schemas, schema_faults
from meshed_mcp.infra.recording import Recording


class Report(NamedTuple):
    """`faults` must be empty for the check to pass; `notes` say what was not judged, or must come from elsewhere."""

    objects: int
    faults: list[Fault]
    notes: list[str]


def check(recording: Recording) -> Report:
    """Judge every object alone, then all of them together."""
    folder = crd_folder()
    schemas = crd_schemas(folder) if folder else {}
    notes = (
        [] if folder else [f"custom resources were not checked against schemas: set {CRD_DIR_VARIABLE} to a CRD folder"]
    )
    objects = recording.objects
    faults = [fault for item in objects for fault in schema_faults(item, schemas)]
    references, missing = reference_faults(objects)
    read_by_charts = release_notes(objects, recording.releases)
    return Report(len(objects), [*faults, *references, *rule_faults(objects)], [*notes, *missing, *read_by_charts])
