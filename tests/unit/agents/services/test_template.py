"""The template service through the official client in memory."""

import pytest
from mcp import Client

from meshed_mcp.agents.services.template import service

pytestmark = pytest.mark.anyio


async def test_a_text_is_measured() -> None:
    """Requirement SVC-1: structured output has the types that the function declares."""
    async with Client(service) as client:
        result = await client.call_tool("measure", {"text": "one two\nthree"})
    assert result.structured_content == {"characters": 13, "words": 3, "lines": 2, "reading_minutes": 0.01}


async def test_a_text_over_the_limit_is_rejected() -> None:
    """Requirement SVC-1: every input is bounded."""
    async with Client(service) as client:
        result = await client.call_tool("measure", {"text": "x" * 100_001})
    assert result.is_error
    assert "at most 100000 characters" in str(result.content)


async def test_its_resource_and_its_prompt_are_offered() -> None:
    """Requirement RUN-14: the template shows each kind of feature once."""
    async with Client(service) as client:
        (resource,) = (await client.list_resources()).resources
        read = await client.read_resource(resource.uri)
        prompt = await client.get_prompt("shorten", {"text": "A long text.", "words": "5"})
    assert "measure" in str(read.contents[0])
    assert "at most 5 words" in str(prompt.messages[0].content)
