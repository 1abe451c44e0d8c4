"""Fixtures: a catalog with a fake clock."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from meshed_mcp.agents.registry.service import VERSIONS
from meshed_mcp.agents.registry.store import Store
from meshed_mcp.agents.state.database import open_database


@dataclass
class Clock:
    """Unix time in seconds, which tests advance."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The store's clock."""
    return Clock()


@pytest.fixture
def store(database_url: str, clock: Clock) -> Iterator[Store]:
    """An empty catalog, once per database."""
    database = open_database("registry", VERSIONS, database_url)
    yield Store(database, clock)
    database.close()


@pytest.fixture
def sqlite_store(tmp_path: object, clock: Clock) -> Iterator[Store]:
    """An empty catalog in SQLite."""
    database = open_database("registry", VERSIONS, f"sqlite:///{tmp_path}/registry.db")
    yield Store(database, clock)
    database.close()
