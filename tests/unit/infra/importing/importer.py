"""Imports a text in a test."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any

import yaml

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.infra.importing.formats import imported
from meshed_mcp.infra.importing.report import Report
from meshed_mcp.infra.importing.source import Source, read_source
from meshed_mcp.infra.importing.stack_text import stack_text
from meshed_mcp.infra.parsing import parse_stack


def source_of(content: str | bytes, name: str = "mcp.json") -> Source:
    """The source that a file with this content gives."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_source(path)


def report_of(content: Any) -> Report:
    """The report on YAML text, or on data as JSON."""
    return imported(source_of(dedent(content) if isinstance(content, str) else json.dumps(content)))


def config_of(report: Report) -> dict[str, Any]:
    """The keys of the written stack file, as another parser reads them."""
    return dict(yaml.safe_load(stack_text(report))["config"])


def services_of(content: Any) -> dict[str, Any]:
    """The services of the written stack file."""
    return dict(config_of(report_of(content))["meshed-mcp:services"])


def service_of(content: Any) -> dict[str, Any]:
    """The only service of the written stack file."""
    (service,) = services_of(content).values()
    return dict(service)


def lines_of(content: Any) -> list[str]:
    """The lines about one import."""
    return [issue.line for issue in report_of(content).issues()]


def issues_of(report: Report) -> list[ConfigIssue]:
    """What the parser of stack files rejects in the written one."""
    values = config_of(report)
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    return parse_stack(texts).issues


def client(**entry: Any) -> dict[str, Any]:
    """A client's file with one server."""
    return {"mcpServers": {"search": entry}}
