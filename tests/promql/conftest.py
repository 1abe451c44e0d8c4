"""Fixture: the path of a real promtool."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def promtool(find_engine: Callable[[str], Path]) -> Path:
    """Path of promtool."""
    return find_engine("promtool")
