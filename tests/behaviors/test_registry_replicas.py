"""Two registries on one PostgreSQL, also during its outage: real processes, a real server."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from meshed_mcp import contract
from tests.behaviors.replicas import Service, StartService, eventually
from tests.postgresql_server import PostgreSQLServer

pytestmark = [pytest.mark.anyio, pytest.mark.engine("initdb", "pg_ctl")]

NAME = "mcp-system/mcp-rag"
DOCUMENT: dict[str, Any] = {
    "name": NAME,
    "description": "Search",
    "version": "1.0.0",
    "remotes": [{"type": "streamable-http", "url": "http://mcp-rag:8000/mcp"}],
}
VERSION = f"servers/{NAME.replace('/', '%2F')}/versions/1.0.0"


@pytest.fixture(scope="module")
def postgresql(find_engine: Callable[[str], Path]) -> Iterator[PostgreSQLServer]:
    """A running server that a test may stop, as long as it starts it again."""
    server = PostgreSQLServer(find_engine)
    server.start()
    yield server
    server.stop()
    server.remove()


def shows(service: Service, series: str, value: float) -> Callable[[], bool]:
    """Whether a gauge of the process has this value."""
    return lambda: service.sample(series) == value


@pytest.fixture
async def registries(
    start_service: StartService, postgresql: PostgreSQLServer, tmp_path: Path
) -> tuple[Service, Service]:
    """Two replicas on one database, started at the same time."""
    script = tmp_path / "registry.py"
    script.write_text("import runpy\nrunpy.run_module('meshed_mcp.agents.registry', run_name='__main__')\n")
    url = postgresql.new_database()
    one, other = (start_service(script, ready=False, MESHED_MCP_DATABASE_URL=url) for _ in range(2))
    await eventually(lambda: one.ready() and other.ready(), within_seconds=60)
    return one, other


def ask(service: Service, method: str, path: str, **options: Any) -> httpx.Response:
    """One request to one replica."""
    url = f"http://127.0.0.1:{service.port}{contract.REGISTRY_PATH}/{path}"
    return httpx.request(method, url, timeout=30, trust_env=False, **options)


def published(service: Service, instance: str, seconds: int = 600) -> int:
    """Status of a publication by one instance of the server."""
    parameters = {"instance": instance, "lease_seconds": seconds}
    return ask(service, "POST", "publish", json=DOCUMENT, params=parameters).status_code


def listed(service: Service) -> list[str]:
    """Names in the catalog of one replica."""
    return [item["server"]["name"] for item in ask(service, "GET", "servers").json()["servers"]]


async def test_concurrent_registrations_at_both_replicas_make_one_entry(
    registries: tuple[Service, Service],
) -> None:
    """Requirement REG-3: a Deployment's pods start together and reach any replica of the registry."""
    with ThreadPoolExecutor(8) as threads:
        responses = list(threads.map(lambda number: published(registries[number % 2], f"pod-{number}"), range(24)))
    assert responses == [200] * 24
    assert [listed(registry) for registry in registries] == [[NAME], [NAME]]
    for registry in registries:
        await eventually(shows(registry, contract.METRIC_REGISTRY_LEASES, 24))


async def test_a_lease_is_renewed_and_released_at_either_replica(registries: tuple[Service, Service]) -> None:
    """Requirement REG-1: any registry replica accepts a heartbeat."""
    one, other = registries
    assert published(one, "pod-1", seconds=3) == 200
    assert ask(other, "PUT", f"{VERSION}/leases/pod-1", params={"lease_seconds": 600}).status_code == 200
    ends = [ask(registry, "GET", VERSION).json()["_meta"]["io.meshed-mcp.registry/lease"] for registry in registries]
    assert ends[0] == ends[1]
    assert published(other, "pod-2") == 200
    assert ask(one, "DELETE", f"{VERSION}/leases/pod-2").status_code == 204
    assert listed(one) == listed(other) == [NAME]
    assert ask(other, "DELETE", f"{VERSION}/leases/pod-1").status_code == 204
    assert listed(one) == listed(other) == []


async def test_an_expired_entry_is_counted_once_though_both_replicas_sweep(registries: tuple[Service, Service]) -> None:
    """Requirement REG-5: the counters of all replicas sum to the number of expired entries."""
    assert published(registries[0], "pod-1", seconds=1) == 200

    def forgotten() -> float:
        return sum(registry.sample(contract.METRIC_REGISTRY_EXPIRED) or 0 for registry in registries)

    await eventually(lambda: forgotten() > 0, within_seconds=30)
    for registry in registries:
        await eventually(shows(registry, contract.METRIC_REGISTRY_SERVERS, 0))
    assert forgotten() == 1


async def test_the_loss_of_the_database_is_survived_without_a_restart(
    registries: tuple[Service, Service], postgresql: PostgreSQLServer
) -> None:
    """Requirement REG-3: 503 in one line with Retry-After while it lasts (RFC 9110, 10.2.3), then as before."""
    assert published(registries[0], "pod-1") == 200
    postgresql.stop()
    for registry in registries:
        for method, path in (("GET", "servers"), ("PUT", f"{VERSION}/leases/pod-1"), ("GET", VERSION)):
            response = ask(registry, method, path)
            assert (response.status_code, response.headers["retry-after"]) == (503, "5")
            assert response.json()["detail"] == "the registry's database does not respond; try again in 5 s"
        assert registry.ready()
        await eventually(shows(registry, contract.METRIC_REGISTRY_DATABASE_UP, 0), within_seconds=30)
    postgresql.start()
    for registry in registries:
        assert listed(registry) == [NAME]
        assert ask(registry, "PUT", f"{VERSION}/leases/pod-1").status_code == 200
        await eventually(shows(registry, contract.METRIC_REGISTRY_DATABASE_UP, 1), within_seconds=30)
        registry.signal(signal.SIGTERM)
        assert await registry.exit_code(within_seconds=30) == 0
        warnings = [line["message"] for line in registry.lines() if line["level"] in {"WARNING", "ERROR"}]
        assert len(warnings) == 1, warnings
        assert warnings[0].startswith("the registry's database does not respond: ")
