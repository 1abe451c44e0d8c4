"""Databases that the registry and the services support: SQLite, and PostgreSQL where it is installed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgresql_server import PostgreSQLServer


@pytest.fixture(scope="session")
def postgresql(find_engine: Callable[[str], Path]) -> Iterator[PostgreSQLServer]:
    """A server that runs until the end of all tests."""
    server = PostgreSQLServer(find_engine)
    server.start()
    yield server
    server.stop()
    server.remove()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.engine("initdb", "pg_ctl"))])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database, once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/test.db"
    server: PostgreSQLServer = request.getfixturevalue("postgresql")
    return server.new_database()
