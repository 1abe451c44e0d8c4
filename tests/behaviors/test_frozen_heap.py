"""The garbage collector of a ready process skips its modules and models."""

from pathlib import Path

import pytest

from meshed_mcp.agents import ServiceClient
from meshed_mcp.agents.process import gc_tuning
from tests.behaviors.replicas import StartService

pytestmark = pytest.mark.anyio

SERVICE = """
import gc
from meshed_mcp.agents import MCPService
service = MCPService("mcp-frozen")
@service.tool()
def heap() -> list[int]:
    return [gc.get_freeze_count(), len(gc.get_objects()), gc.get_threshold()[0]]
service.run()
"""


async def test_objects_of_the_start_are_excluded_from_garbage_collection(
    start_service: StartService, tmp_path: Path
) -> None:
    """CPython, `gc.freeze`: frozen objects are ignored by all later collections; most of a ready process is frozen."""
    script = tmp_path / "frozen_service.py"
    script.write_text(SERVICE)
    async with ServiceClient(start_service(script).url) as client:
        result = await client.call_tool("heap")
    assert result.structured_content is not None
    frozen, searched, young = result.structured_content["result"]
    assert frozen > 10 * searched
    assert young == gc_tuning.YOUNG_OBJECTS
