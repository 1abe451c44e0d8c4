"""Command `meshed-mcp import`: writes a stack file from a client's file, Compose, ToolHive, kmcp or the registry."""

from pathlib import Path
from typing import Annotated

import typer

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.error_codes import cli as codes
from meshed_mcp.infra.importing.formats import imported
from meshed_mcp.infra.importing.report import Report
from meshed_mcp.infra.importing.secrecy import secret_commands
from meshed_mcp.infra.importing.source import read_source
from meshed_mcp.infra.importing.stack_text import stack_text

DEFAULT_NAMESPACE = "mcp-system"


def import_command(
    file: Annotated[Path, typer.Argument(help="File with servers; - reads standard input.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Stack file to create.")] = None,
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="Stack: creates Pulumi.<stack>.yaml.")] = None,
) -> None:
    """Write a stack file from mcp.json, Compose, ToolHive, kmcp or server.json; list what is not carried over."""
    if output and stack:
        raise ConfigurationError.single("import", codes.IMPORT_TWO_OUTPUTS.message())
    target = Path(f"Pulumi.{stack}.yaml") if stack else output
    report = imported(read_source(file))
    for note in report.issues():
        typer.echo(f"note {note.line}", err=True)
    if not report.servers:
        raise ConfigurationError.single(report.source.name, codes.IMPORT_NO_SERVER.message())
    text = stack_text(report)
    if target is None:
        typer.echo(text, nl=False)
    else:
        create(target, text)
    for line in next_steps(report, target, stack):
        typer.echo(line, err=True)


def create(target: Path, text: str) -> None:
    """Create the file; never replaces one. Raises ConfigurationError."""
    try:
        with target.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigurationError.single(str(target), codes.IMPORT_FILE_EXISTS.message()) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is invalid"
        message = codes.FILE_NOT_WRITABLE.message(path="the stack file", reason=reason)
        raise ConfigurationError.single(str(target), message) from None


def next_steps(report: Report, target: Path | None, stack: str | None) -> list[str]:
    """Commands that create Secrets, the number of keys to set, and the command that checks the stack."""
    namespace = report.namespace or DEFAULT_NAMESPACE
    others = [f"kubectl {what} --namespace {namespace} {option}" for what, option in report.commands]
    commands = [*secret_commands(report.secrets, namespace), *others]
    steps = ["create what the stack file refers to; values come from variables of your shell:", *commands]
    lines = steps if commands else []
    count, missing = len(report.servers), len(report.must_set)
    lines.append(f"{count} {'server' if count == 1 else 'servers'} in {target or 'the output'}")
    check = f"meshed-mcp check --stack {stack or 'STACK'}"
    keys = f"set what {missing} of its first lines name; then " if missing else ""
    return [*lines, f"next: {keys}{check}"]
