"""Everything wrong with a recording, and what was not judged and why."""

from typing import NamedTuple

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.checks.chart_secrets import release_notes
from meshed_mcp.infra.checks.references import reference_issues
from meshed_mcp.infra.checks.rules import rule_issues
from meshed_mcp.infra.checks.schema import schema_issues, unchecked_kinds
from meshed_mcp.infra.recording import Recording


class Report(NamedTuple):
    """`issues` must be empty for the check to pass; `notes` say what was not judged, or must come from elsewhere."""

    objects: int
    issues: list[ConfigIssue]
    notes: list[Message]


def check(recording: Recording) -> Report:
    """Judge every object alone, then all of them together."""
    objects = recording.objects
    issues = [issue for item in objects for issue in schema_issues(item)]
    references, missing = reference_issues(objects)
    read_by_charts = release_notes(objects, recording.releases)
    notes = [*unchecked_kinds(objects), *missing, *read_by_charts]
    return Report(len(objects), [*issues, *references, *rule_issues(objects)], notes)
