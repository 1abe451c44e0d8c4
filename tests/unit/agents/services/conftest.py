"""Fixtures: services in memory with empty databases."""

import pytest

from meshed_mcp.contract import ENV_DATABASE_URL


@pytest.fixture
def own_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the services an empty database, once for each kind."""
    monkeypatch.setenv(ENV_DATABASE_URL, database_url)
    return database_url
