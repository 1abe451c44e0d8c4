"""Descriptions and annotations of the tools of all services."""

from typing import Any

import pytest
from mcp.server import MCPServer

from meshed_mcp.agents.registry.model import MAX_DESCRIPTION_CHARACTERS
from meshed_mcp.agents.services.controller.service import service as controller
from meshed_mcp.agents.services.llm.service import service as llm
from meshed_mcp.agents.services.organization.service import service as organization
from meshed_mcp.agents.services.rag.service import service as rag
from meshed_mcp.agents.services.template import service as template

pytestmark = pytest.mark.anyio

READS = {
    "mcp-template": {"measure"},
    "mcp-organization": {"list_organizations", "list_members", "find_members"},
    "mcp-rag": {"search"},
    "mcp-llm": {"complete", "summarize", "summarize_extractive"},
    "mcp-controller": {"answer"},
}
WRITES = {
    "mcp-organization": {"create_organization", "add_member"},
    "mcp-rag": {"ingest"},
    "mcp-controller": {"remember"},
}

each_service = pytest.mark.parametrize("service", [template, organization, rag, llm, controller], ids=lambda s: s.name)


@each_service
async def test_tools_declare_whether_they_change_anything(service: MCPServer[Any]) -> None:
    """MCP 2026-07-28, "Tools", annotations: retries and approvals are decided by them."""
    hints = {tool.name: tool.annotations for tool in await service.list_tools()}
    reading = {name for name, hint in hints.items() if hint is not None and hint.read_only_hint is True}
    writing = {name for name, hint in hints.items() if hint is not None and hint.read_only_hint is False}
    assert reading == READS[service.name]
    assert writing == WRITES.get(service.name, set())
    assert set(hints) == reading | writing
    for name in writing:
        hint = hints[name]
        assert hint is not None
        assert None not in {hint.destructive_hint, hint.idempotent_hint}


@each_service
async def test_tools_describe_themselves_and_their_results(service: MCPServer[Any]) -> None:
    """Requirement SVC-1: a model chooses a tool by its description and reads typed output."""
    for tool in await service.list_tools():
        assert len(tool.description or "") > 40, tool.name
        assert tool.output_schema is not None, tool.name


@each_service
async def test_every_argument_is_bounded(service: MCPServer[Any]) -> None:
    """Requirement SVC-1: the schema shows the limit of each length and count; a pattern or enum is a bound."""
    bounds = {"maxLength", "maximum", "pattern", "enum"}
    for tool in await service.list_tools():
        for name, schema in tool.input_schema["properties"].items():
            assert bounds & set(schema), f"{tool.name}.{name}"


@each_service
def test_a_services_description_fits_the_registrys_limit(service: MCPServer[Any]) -> None:
    """Official registry, `ServerDetail.description.maxLength`: no part of it is truncated."""
    assert 20 < len(service.description or "") <= MAX_DESCRIPTION_CHARACTERS
