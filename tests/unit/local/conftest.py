"""The small stack of this room, and a way to change one field of it."""

from collections.abc import Callable
from typing import Any

import pytest

from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import Topology, topology
from tests.unit.local import local_objects

BLOCK = 16


@pytest.fixture
def objects() -> list[dict[str, Any]]:
    """The small stack as plain objects, to change at will."""
    return local_objects.stack_objects()


@pytest.fixture
def laid_out() -> Callable[[list[dict[str, Any]]], Topology]:
    """Reads objects and lays them out on the block 127.16.0.0/16."""
    return lambda items: topology(read_stack(items), BLOCK)
