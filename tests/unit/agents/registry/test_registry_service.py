"""What the registry does beside answering, and what a service says of itself."""

import math

import pytest
from mcp.server import MCPServer
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import create_engine

from meshed_mcp.agents import Settings, SettingsError
from meshed_mcp.agents.database import Database
from meshed_mcp.agents.registry.model import server_entry
from meshed_mcp.agents.registry.presence import entry_of, lease_seconds, presence
from meshed_mcp.agents.registry.service import sweep
from meshed_mcp.agents.registry.store import Store
from meshed_mcp.contract import METRIC_REGISTRY_SERVERS

pytestmark = pytest.mark.anyio


@pytest.fixture
def metrics() -> CollectorRegistry:
    """Instruments of one test."""
    return CollectorRegistry()


async def test_the_sweep_counts_the_live_servers(
    sqlite_store: Store, clock: object, metrics: CollectorRegistry
) -> None:
    """Product rule: `mcp_registry_servers` is the size of the catalogue."""
    gauge = Gauge(METRIC_REGISTRY_SERVERS, "Live servers.", registry=metrics)
    for name, seconds in (("ns/a", 10), ("ns/b", 30)):
        sqlite_store.register(server_entry(name, "1", "http://a/mcp", description="d"), "pod-1", seconds)
    await sweep(sqlite_store, gauge)
    assert metrics.get_sample_value(METRIC_REGISTRY_SERVERS) == 2
    clock.now += 20  # type: ignore[attr-defined]
    await sweep(sqlite_store, gauge)
    assert metrics.get_sample_value(METRIC_REGISTRY_SERVERS) == 1


async def test_a_database_that_is_away_makes_the_gauge_unknown_and_the_sweep_goes_on(
    metrics: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """Product rule: an old number would look alive."""
    gauge = Gauge(METRIC_REGISTRY_SERVERS, "Live servers.", registry=metrics)
    engine = create_engine("postgresql+psycopg://meshed:secret@127.0.0.1:1/x")
    await sweep(Store(Database(engine)), gauge)
    engine.dispose()
    assert math.isnan(metrics.get_sample_value(METRIC_REGISTRY_SERVERS) or 0)
    assert "the registry's database does not answer" in caplog.text
    assert "secret" not in caplog.text


async def test_a_service_publishes_its_name_in_the_mesh_and_its_tools() -> None:
    """Product rule: callers reach a server at its Service's name and port, whatever port the process was given."""
    server = MCPServer("anything", version="1.2.3", description="Finds documents.")

    @server.tool()
    def search(query: str) -> str:
        """Find."""
        return query

    settings = Settings(service="mcp-rag", namespace="mcp-system", port=28100)
    entry = await entry_of(server, settings)
    assert (entry.name, entry.version, entry.url) == ("mcp-system/mcp-rag", "1.2.3", "http://mcp-rag:8000/mcp")
    assert (entry.description, [tool.name for tool in entry.tools]) == ("Finds documents.", ["search"])


async def test_a_server_that_says_nothing_of_itself_can_register() -> None:
    """Product rule: name and tools are all a user must write."""
    entry = await entry_of(MCPServer("mcp-search"), Settings(service="mcp-search"))
    assert (entry.version, entry.description) == ("0.0.0", "mcp-search")


def test_without_a_registry_there_is_no_presence() -> None:
    """contract.ENV_REGISTRY_URL: unset = the service does not register."""
    assert presence(MCPServer("a"), Settings(service="a"), {}) is None


def test_the_lease_is_thirty_seconds_or_as_the_environment_says() -> None:
    """Product rule: a killed server is forgotten after half a minute where nobody chose otherwise."""
    assert lease_seconds({}) == 30
    assert lease_seconds({"MESHED_MCP_LEASE_SECONDS": "2"}) == 2


@pytest.mark.parametrize("written", ["0", "3601", "1.5", "soon", "-1", "²"])
def test_a_lease_that_is_none_is_refused(written: str) -> None:
    """Product rule: one line, with the variable, its value and what to write."""
    with pytest.raises(SettingsError, match=f"MESHED_MCP_LEASE_SECONDS='{written}' is not usable. Write whole seconds"):
        lease_seconds({"MESHED_MCP_LEASE_SECONDS": written})
