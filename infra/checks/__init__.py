"""Static checks of the objects that a stack registers: schemas, references between objects, rules."""

from typing import NamedTuple

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.checks.existing import existing_objects
from meshed_mcp.infra.checks.expectations import existing_notes
from meshed_mcp.infra.checks.references import reference_issues
from meshed_mcp.infra.checks.required import RequiredObject, required_lines, required_objects
from meshed_mcp.infra.checks.rules import rule_issues
from meshed_mcp.infra.checks.schema import schema_issues, unchecked_kinds
from meshed_mcp.infra.checks.unseen import unseen_notes
from meshed_mcp.infra.recording import Recording

__all__ = ["Report", "check", "required_lines"]


class Report(NamedTuple):
    """The check passes if `issues` is empty; `notes` list unchecked kinds and namespaces that must exist."""

    objects: int
    issues: list[ConfigIssue]
    notes: list[Message]
    required: list[RequiredObject]
    """Objects that must exist before the deployment."""


def check(recording: Recording) -> Report:
    """Check every object against its schema, then references and rules over all objects."""
    objects = recording.objects
    issues = [issue for item in objects for issue in schema_issues(item)]
    references, missing = reference_issues(objects, existing_objects(recording))
    notes = [*unchecked_kinds(objects), *missing, *unseen_notes(recording), *existing_notes(recording)]
    required = required_objects(objects, recording.releases)
    return Report(len(objects), [*issues, *references, *rule_issues(objects)], notes, required)
