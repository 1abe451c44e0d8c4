"""What the registry does beside answering, and what a service says of itself."""

import math

import pytest
from mcp.server import MCPServer
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import create_engine

from meshed_mcp import contract
from meshed_mcp.agents import Settings, SettingsError
from meshed_mcp.agents.database import Database
from meshed_mcp.agents.registry.metrics import CatalogueMetrics
from meshed_mcp.agents.registry.model import server_entry
from meshed_mcp.agents.registry.presence import entry_of, lease_seconds, presence
from meshed_mcp.agents.registry.service import sweep
from meshed_mcp.agents.registry.store import Store

pytestmark = pytest.mark.anyio


@pytest.fixture
def registry() -> CollectorRegistry:
    """Instruments of one test."""
    return CollectorRegistry()


def samples(registry: CollectorRegistry) -> tuple[float, ...]:
    """Servers, leases, forgotten servers, and whether the database answers."""
    names = (
        contract.METRIC_REGISTRY_SERVERS,
        contract.METRIC_REGISTRY_LEASES,
        contract.METRIC_REGISTRY_EXPIRED,
        contract.METRIC_REGISTRY_DATABASE_UP,
    )
    values = [registry.get_sample_value(name) for name in names]
    return tuple(value for value in values if value is not None)


async def test_the_sweep_measures_the_catalogue(
    sqlite_store: Store, clock: object, registry: CollectorRegistry
) -> None:
    """Product rule: servers, running instances, and what was forgotten are metrics."""
    metrics = CatalogueMetrics(registry)
    for name, instance, seconds in (("ns/a", "pod-1", 10), ("ns/b", "pod-1", 30), ("ns/b", "pod-2", 30)):
        sqlite_store.register(server_entry(name, "1", "http://a/mcp", description="d"), instance, seconds)
    await sweep(sqlite_store, metrics)
    assert samples(registry) == (2, 3, 0, 1)
    clock.now += 20  # type: ignore[attr-defined]
    await sweep(sqlite_store, metrics)
    assert samples(registry) == (1, 2, 1, 1)


async def test_a_sweep_that_the_database_did_not_answer_is_no_agreement(
    registry: CollectorRegistry, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runbook MCPRegistrySyncStale: the time of the last agreement stays while there is none."""
    moments = iter(range(100, 1000, 100))
    monkeypatch.setattr(Gauge, "set_to_current_time", lambda self: self.set(next(moments)))
    metrics = CatalogueMetrics(registry)
    engine = create_engine("postgresql+psycopg://meshed:secret@127.0.0.1:1/x")
    found = []
    for store in (sqlite_store, Store(Database(engine)), sqlite_store):
        await sweep(store, metrics)
        found.append(registry.get_sample_value(contract.METRIC_REGISTRY_SYNC))
    engine.dispose()
    assert found == [200, 200, 300]


async def test_the_loss_of_the_database_is_told_once_and_measured(
    registry: CollectorRegistry, sqlite_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Product rule: an old number would look alive; a log line per sweep would bury the cause."""
    caplog.set_level("INFO")
    metrics = CatalogueMetrics(registry)
    engine = create_engine("postgresql+psycopg://meshed:secret@127.0.0.1:1/x")
    for store in (sqlite_store, Store(Database(engine)), Store(Database(engine)), sqlite_store):
        await sweep(store, metrics)
        servers, leases, _, up = samples(registry)
        assert math.isnan(servers) is math.isnan(leases) is (up == 0) is (store is not sqlite_store)
    engine.dispose()
    said = [record.message.partition(":")[0] for record in caplog.records if record.name.startswith("meshed_mcp")]
    assert said == [
        "the registry's database answers",
        "the registry's database does not answer",
        "the registry's database answers",
    ]
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
    assert presence(MCPServer("a"), Settings(service="a"), CollectorRegistry(), {}) is None


def test_the_lease_is_thirty_seconds_or_as_the_environment_says() -> None:
    """Product rule: a killed server is forgotten after half a minute where nobody chose otherwise."""
    assert lease_seconds({}) == 30
    assert lease_seconds({"MESHED_MCP_LEASE_SECONDS": "2"}) == 2


@pytest.mark.parametrize("written", ["0", "3601", "1.5", "soon", "-1", "²"])
def test_a_lease_that_is_none_is_refused(written: str) -> None:
    """Product rule: one line, with the variable, its value and what to write."""
    with pytest.raises(SettingsError, match=f"MESHED_MCP_LEASE_SECONDS='{written}' is not usable. Write whole seconds"):
        lease_seconds({"MESHED_MCP_LEASE_SECONDS": written})
