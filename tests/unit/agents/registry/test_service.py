"""The registry's sweep and metrics, and the registration of a service."""

import asyncio
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mcp.server import MCPServer
from mcp_types import Tool
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import create_engine

from meshed_mcp import contract
from meshed_mcp.agents import Settings, SettingsError
from meshed_mcp.agents.registry.model import MAX_TOOLS, server_entry
from meshed_mcp.agents.registry.registration import current_entry, lease_seconds, registration
from meshed_mcp.agents.registry.service import CatalogMetrics, sweep
from meshed_mcp.agents.registry.store import Store
from meshed_mcp.agents.state.database import Database

pytestmark = pytest.mark.anyio

ASCII = st.characters(codec="ascii")
MAX_NAME = 63
BOUND_SECONDS = 20


@pytest.fixture
def registry() -> CollectorRegistry:
    """Metrics of one test."""
    return CollectorRegistry()


def samples(registry: CollectorRegistry) -> tuple[float, ...]:
    """Servers, leases, expired servers, and whether the database is up."""
    names = (
        contract.METRIC_REGISTRY_SERVERS,
        contract.METRIC_REGISTRY_LEASES,
        contract.METRIC_REGISTRY_EXPIRED,
        contract.METRIC_REGISTRY_DATABASE_UP,
    )
    values = [registry.get_sample_value(name) for name in names]
    return tuple(value for value in values if value is not None)


async def test_the_sweep_measures_the_catalog(sqlite_store: Store, clock: object, registry: CollectorRegistry) -> None:
    """Requirement REG-5: servers, live instances and expired entries are metrics."""
    metrics = CatalogMetrics(registry)
    for name, instance, seconds in (("ns/a", "pod-1", 10), ("ns/b", "pod-1", 30), ("ns/b", "pod-2", 30)):
        sqlite_store.register(server_entry(name, "1", "http://a/mcp", description="d"), instance, seconds)
    await sweep(sqlite_store, metrics)
    assert samples(registry) == (2, 3, 0, 1)
    clock.now += 20  # type: ignore[attr-defined]
    await sweep(sqlite_store, metrics)
    assert samples(registry) == (1, 2, 1, 1)


async def test_a_sweep_without_a_database_response_does_not_update_the_sync_time(
    registry: CollectorRegistry, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runbook MCPRegistrySyncStale: the time of the last successful sweep stays while the database is away."""
    moments = iter(range(100, 1000, 100))
    monkeypatch.setattr(Gauge, "set_to_current_time", lambda self: self.set(next(moments)))
    metrics = CatalogMetrics(registry)
    engine = create_engine("postgresql+psycopg://meshed:secret@127.0.0.1:1/x")
    found = []
    for store in (sqlite_store, Store(Database(engine)), sqlite_store):
        await sweep(store, metrics)
        found.append(registry.get_sample_value(contract.METRIC_REGISTRY_SYNC))
    engine.dispose()
    assert found == [200, 200, 300]


async def test_the_loss_of_the_database_is_logged_once_and_measured(
    registry: CollectorRegistry, sqlite_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement RUN-10: the gauge shows the loss, and one log line per outage names the cause."""
    caplog.set_level("INFO")
    metrics = CatalogMetrics(registry)
    engine = create_engine("postgresql+psycopg://meshed:secret@127.0.0.1:1/x")
    for store in (sqlite_store, Store(Database(engine)), Store(Database(engine)), sqlite_store):
        await sweep(store, metrics)
        servers, leases, _, up = samples(registry)
        assert math.isnan(servers) is math.isnan(leases) is (up == 0) is (store is not sqlite_store)
    engine.dispose()
    said = [record.message.partition(":")[0] for record in caplog.records if record.name.startswith("meshed_mcp")]
    assert said == [
        "the registry's database responds",
        "the registry's database does not respond",
        "the registry's database responds",
    ]
    assert "secret" not in caplog.text


async def test_a_service_publishes_its_mesh_name_and_its_tools() -> None:
    """Requirement REG-1: callers reach a server at its Service's name and port, whatever port the process uses."""
    server = MCPServer("anything", version="1.2.3", description="Finds documents.")

    @server.tool()
    def search(query: str) -> str:
        """Find."""
        return query

    settings = Settings(service="mcp-rag", namespace="mcp-system", port=28100)
    entry = await current_entry(server, settings)
    assert (entry.name, entry.version, entry.url) == ("mcp-system/mcp-rag", "1.2.3", "http://mcp-rag:8000/mcp")
    assert (entry.description, [tool.name for tool in entry.tools]) == ("Finds documents.", ["search"])


async def test_a_server_without_a_description_can_register() -> None:
    """Requirement RUN-14: name and tools are all a user must set."""
    entry = await current_entry(MCPServer("mcp-search"), Settings(service="mcp-search"))
    assert (entry.version, entry.description) == ("0.0.0", "mcp-search")


def test_without_a_registry_url_the_service_does_not_register() -> None:
    """contract.ENV_REGISTRY_URL: unset = the service does not register."""
    assert registration(MCPServer("a"), Settings(service="a"), CollectorRegistry(), {}) is None


REGISTERED = Settings(service="mcp-a", registry_url="http://mcp-registry:8000")


@pytest.mark.parametrize("version", ["1.0.0 beta", "release/7", "latest", "^1", "1.0\n", "größe", "v" * 256])
def test_a_version_that_the_registry_rejects_ends_the_start(version: str) -> None:
    """Official registry, `ServerDetail.version`; requirement RUN-6: one line with the value and what to set."""
    with pytest.raises(SettingsError) as raised:
        registration(MCPServer("mcp-a", version=version), REGISTERED, CollectorRegistry(), {})
    text = str(raised.value)
    assert text.startswith("MM0827: the registry does not accept this server: version: ")
    assert repr(version[:60]) in text
    assert "; set MCPService(version=...) to at most 255 printable ASCII characters" in text
    assert "\n" not in text


@pytest.mark.parametrize("url", ["http://[", "http://mcp-registry:80000", "http://mcp registry", "http://:80"])
def test_an_invalid_registry_url_ends_the_start(url: str) -> None:
    """Requirement RUN-6: a setting that no retry can correct is a start error."""
    settings = Settings.model_construct(service="mcp-a", namespace="default", registry_url=url)
    with pytest.raises(
        SettingsError, match=r" is not a URL; set a base URL without a path, such as http://mcp-registry:8000"
    ):
        registration(MCPServer("mcp-a"), settings, CollectorRegistry(), {})


def names(pattern: str) -> st.SearchStrategy[str]:
    """Names that `Settings` accepts."""
    return st.from_regex(pattern.replace("$", r"\Z"), alphabet=ASCII).filter(lambda name: len(name) <= MAX_NAME)


@given(service=names(contract.SERVICE_NAME_PATTERN), namespace=names(contract.NAMESPACE_PATTERN))
def test_the_registry_accepts_every_name_that_the_settings_accept(service: str, namespace: str) -> None:
    """Requirement CFG-13: settings and registry have one rule for names."""
    assume("xn--" not in service.lower())  # Punycode has rules of its own; a name that breaks them ends the start
    settings = Settings(service=service, namespace=namespace, registry_url="http://mcp-registry:8000")
    assert registration(MCPServer(service), settings, CollectorRegistry(), {}) is not None


class ManyTools(MCPServer[None]):
    """A server with a list of tools of its own."""

    async def list_tools(self) -> list[Tool]:
        """Return more tools than an entry can hold."""
        return [Tool(name=f"tool{number}", input_schema={"type": "object"}) for number in range(MAX_TOOLS + 1)]


async def test_tools_that_the_registry_rejects_are_logged_with_what_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Requirement REG-3: an error found while the service runs is logged, and the service goes on."""
    lease = registration(ManyTools("mcp-a"), REGISTERED, CollectorRegistry(), {})
    assert lease is not None
    async with lease, asyncio.timeout(BOUND_SECONDS):
        while not caplog.records:  # noqa: ASYNC110 - a log record has no event
            await asyncio.sleep(0)
    (message,) = caplog.messages
    assert message.startswith("the registry does not accept this server: tools: Tuple should have at most 1000 items")
    assert "use at most 1000 tools, each with a name of at most 128 characters; the service continues" in message


def test_the_lease_defaults_to_thirty_seconds() -> None:
    """Requirement REG-5: a killed server expires after 30 seconds unless the environment sets another lease."""
    assert lease_seconds({}) == 30
    assert lease_seconds({"MESHED_MCP_LEASE_SECONDS": "2"}) == 2


@pytest.mark.parametrize("written", ["0", "3601", "1.5", "soon", "-1", "²"])
def test_an_invalid_lease_is_rejected(written: str) -> None:
    """Requirement RUN-6: one line with the variable, its value and what to set."""
    with pytest.raises(SettingsError, match=f"MESHED_MCP_LEASE_SECONDS='{written}' is not usable; set whole seconds"):
        lease_seconds({"MESHED_MCP_LEASE_SECONDS": written})
