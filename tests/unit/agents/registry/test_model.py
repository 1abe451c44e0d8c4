"""Entries of the registry: `server.json` with tools and digests."""

from typing import Any

import pytest
from mcp_types import Tool
from pydantic import ValidationError

from meshed_mcp.agents.registry.model import PUBLISHER_META, ServerEntry, server_entry, tool_entry, version_key

DOCUMENT: dict[str, Any] = {
    "name": "mcp-system/mcp-rag",
    "description": "Search",
    "version": "1.0.0",
    "remotes": [{"type": "streamable-http", "url": "http://mcp-rag:8000/mcp"}],
}


def tool(**changes: Any) -> Tool:
    """A tool definition; `changes` replace fields."""
    fields = {"name": "search", "description": "Find", "input_schema": {"type": "object", "properties": {"q": {}}}}
    return Tool(**{**fields, **changes})


def test_an_entry_is_a_server_json_of_the_official_registry() -> None:
    """Official registry API v0.1, schema `ServerDetail`: extra data of a publisher has its own key."""
    entry = server_entry("mcp-system/mcp-rag", "1.0.0", "http://mcp-rag:8000/mcp", description="Search", tools=[tool()])
    published = {"tools": [tool_entry(tool()).model_dump()]}
    assert entry.document() == {**DOCUMENT, "_meta": {PUBLISHER_META: published}}
    assert ServerEntry.model_validate(entry.document()) == entry
    assert entry.url == "http://mcp-rag:8000/mcp"
    assert [tool.name for tool in entry.tools] == ["search"]


def test_unused_fields_of_the_standard_are_kept() -> None:
    """Official registry API v0.1: other publishers send packages, repository, title and their own metadata."""
    foreign = {"title": "RAG", "packages": [{"registryType": "oci", "identifier": "x"}]}
    meta = {PUBLISHER_META: {"tools": [], "tool": "publisher-cli"}, "com.example": {"badge": True}}
    document = {**DOCUMENT, **foreign, "_meta": meta}
    assert ServerEntry.model_validate(document).document() == document


@pytest.mark.parametrize(
    "changed",
    [
        tool(description="Find more"),
        tool(input_schema={"type": "object", "properties": {"q": {}, "limit": {}}}),
        tool(output_schema={"type": "object"}),
        tool(name="find"),
    ],
)
def test_the_digest_changes_with_any_part_of_a_tools_definition(changed: Tool) -> None:
    """Requirement REG-4: a client detects a changed tool by its digest."""
    assert tool_entry(changed).digest != tool_entry(tool()).digest


def test_the_digest_does_not_depend_on_key_order() -> None:
    """RFC 8259, section 4: an object is unordered."""
    one, other = ({"type": "object", "title": "T"}, {"title": "T", "type": "object"})
    assert tool_entry(tool(input_schema=one)).digest == tool_entry(tool(input_schema=other)).digest


def test_a_long_description_is_truncated_to_the_standards_limit() -> None:
    """Official registry, `ServerDetail.description.maxLength` is 100; the service must not fail for it."""
    assert len(server_entry("a/b", "1", "http://b/mcp", description="x" * 500).description) == 100


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("name", "mcp-rag", "String should match pattern"),
        ("version", "latest", "'latest' is not one version; use one such as 1.0.0"),
        ("version", "^1.2", "is not one version"),
        ("version", "1 2", "String should match pattern"),
        ("description", "", "at least 1 character"),
        ("remotes", [], "at least 1 item"),
        ("remotes", [{"type": "streamable-http", "url": "file:///etc"}], "use a URL such as http://mcp-rag:8000/mcp"),
    ],
)
def test_an_entry_outside_the_standard_is_rejected(field: str, value: object, text: str) -> None:
    """Official registry API v0.1, schema `ServerDetail`; the product also requires a remote to connect to."""
    with pytest.raises(ValidationError, match=text):
        ServerEntry.model_validate({**DOCUMENT, field: value})


def test_versions_are_ordered_by_semantic_versioning() -> None:
    """Semantic Versioning 2.0.0, section 11."""
    ordered = ["nightly", "0.9.0", "0.10.0-rc.1", "0.10.0", "1.0", "2.0.0"]
    alphabetical = sorted(ordered)
    assert sorted(alphabetical, key=version_key) == ordered
