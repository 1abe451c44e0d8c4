"""Digests of tool definitions: stable across restarts, different after every change."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types import Tool, ToolAnnotations

from meshed_mcp.agents.registry.model import tool_entry

PROGRAM = """
import asyncio, importlib, json
from meshed_mcp.agents.registry.model import tool_entry
modules = ["controller.service", "llm.service", "organization.service", "rag.service", "template"]
services = [importlib.import_module(f"meshed_mcp.agents.services.{name}").service for name in modules]
tools = [(service.name, tool) for service in services for tool in asyncio.run(service.list_tools())]
print(json.dumps({f"{name}/{tool.name}": tool_entry(tool).digest for name, tool in tools}))
"""
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}}}
TOOL = Tool(name="search", description="Find.", input_schema=SCHEMA)


def digests(hash_seed: str) -> dict[str, str]:
    """Digest of every tool of the five services, from a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=100
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_tool_digests_are_equal_in_every_process() -> None:
    """Requirement REG-4: replicas of one version publish one entry, and a restart changes nothing.

    Python, PYTHONHASHSEED: the order of sets differs from process to process, so a schema built from one would too.
    """
    first = digests("1")
    assert len(first) > 10
    assert len(set(first.values())) == len(first)
    assert digests("2") == first


def reordered(value: object) -> object:
    """The same JSON with the members of every object in the opposite order."""
    if isinstance(value, dict):
        return {key: reordered(item) for key, item in reversed(value.items())}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_digest_does_not_depend_on_member_order(value: object) -> None:
    """RFC 8785, section 3.2.3: a canonical form sorts the members of objects."""
    one, other = ({**SCHEMA, "x": form} for form in (value, reordered(value)))
    assert tool_entry(TOOL.model_copy(update={"input_schema": one})) == tool_entry(
        TOOL.model_copy(update={"input_schema": reordered(other)})
    )


@pytest.mark.parametrize(
    "change",
    [
        {"name": "find"},
        {"title": "Search"},
        {"description": "Find!"},
        {"input_schema": {**SCHEMA, "required": ["query"]}},
        {"output_schema": {"type": "object"}},
        {"annotations": ToolAnnotations(read_only_hint=True)},
        {"meta": {"owner": "search"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_a_definition_changes_the_digest(change: dict[str, object]) -> None:
    """Requirement REG-4: a client that pins a digest notices a changed tool definition."""
    assert tool_entry(TOOL.model_copy(update=change)).digest != tool_entry(TOOL).digest
