"""Fixtures: the objects of a small stack, and their topology."""

from collections.abc import Callable
from typing import Any

import pytest

from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import Topology, topology
from tests.unit.local import local_objects

BLOCK = 16


@pytest.fixture
def objects() -> list[dict[str, Any]]:
    """Objects of the small stack, which a test may change."""
    return local_objects.stack_objects()


@pytest.fixture
def laid_out() -> Callable[[list[dict[str, Any]]], Topology]:
    """Topology of objects on 127.16.0.0/16."""
    return lambda items: topology(read_stack(items), BLOCK)
