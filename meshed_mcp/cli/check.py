"""`meshed-mcp check`: a stack on this machine, and with `--live` the cluster that it is for."""

import json
from pathlib import Path
from typing import NamedTuple

import typer

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra import checks, recording
from meshed_mcp.infra.live import live_findings
from meshed_mcp.infra.live.cluster import Cluster
from meshed_mcp.infra.live.findings import Finding, Level


class Options(NamedTuple):
    """Options of the command."""

    live: bool = False
    context: str | None = None
    json: bool = False


def run(stack: str, project: Path, options: Options) -> None:
    """Check a stack, then the cluster if the stack has no issues. Raises ConfigurationError for issues of the stack."""
    recorded = recording.record(project, stack)
    report = checks.check(recorded)
    if options.json:
        return end(*as_json(recorded, report, options))
    for note in report.notes:
        typer.echo(f"note {note.line}")
    if report.required:
        typer.echo("these objects must exist before the deployment (object: what uses it):")
        for line in checks.required_lines(report.required):
            typer.echo(f"  {line}")
    if report.issues:
        raise ConfigurationError(report.issues)
    typer.echo(f"stack {stack}: {report.objects} objects, no issues")
    return end(echoed(recorded, options) if options.live else [], "")


def echoed(recorded: recording.Recording, options: Options) -> list[Finding]:
    """Findings in the cluster, each printed as soon as it is known."""
    found = []
    for finding in live_findings(Cluster(options.context), recorded):
        typer.echo(finding.line)
        found.append(finding)
    return found


def as_json(recorded: recording.Recording, report: checks.Report, options: Options) -> tuple[list[Finding], str]:
    """All findings, and the document that has them.

    Its fields: `objects`; `required`, the objects that must exist; `findings` with `level`, `code` and `text`.
    """
    found = [Finding(Level.NOTE, note) for note in report.notes]
    found += [Finding(Level.ERROR, Message(issue.code, str(issue))) for issue in report.issues]
    if options.live and not report.issues:
        found += live_findings(Cluster(options.context), recorded)
    required = [item._asdict() for item in report.required]
    document = {"objects": report.objects, "required": required, "findings": [finding.fields for finding in found]}
    return found, json.dumps(document, indent=2)


def end(found: list[Finding], text: str) -> None:
    """Print the text, if any, and end with exit code 1 if a finding is an error."""
    if text:
        typer.echo(text)
    if any(finding.level is Level.ERROR for finding in found):
        raise typer.Exit(1)
