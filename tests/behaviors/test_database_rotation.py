"""Logins of PostgreSQL that change under load: real processes, a real server with passwords and TLS."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from sqlalchemy import create_engine, text

from meshed_mcp.agents import services
from tests.behaviors.replicas import Service, StartService, eventually, free_port
from tests.mounted_files import MountedFiles
from tests.postgresql_server import PostgreSQLServer
from tests.private_authority import PrivateAuthority

pytestmark = [pytest.mark.anyio, pytest.mark.engine("initdb", "pg_ctl")]

CALLERS = 4
ACCEPTED = "PostgreSQL accepts the new login"
NOT_YET = "PostgreSQL does not accept the new login yet"
OLD_CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'rag%' AND backend_start < CAST(:than AS timestamptz)
"""
HBA = """
host    all meshed 127.0.0.1/32 trust
hostssl all all    127.0.0.1/32 scram-sha-256 clientcert=verify-ca
"""
"""The administrator of the test needs no password; a role of a service needs one and a client certificate."""


@dataclass
class Store:
    """A running PostgreSQL with TLS, and what an administrator does there."""

    server: PostgreSQLServer
    port: int
    authority: PrivateAuthority = field(default_factory=PrivateAuthority)

    def use_certificates_of(self, authority: PrivateAuthority) -> None:
        """Let the server show a certificate of another authority; it accepts clients of both."""
        pair = authority.issue("server")
        self.server.write("server.crt", pair.certificate)
        self.server.write("server.key", pair.private_key)
        self.server.write("root.crt", self.authority.certificate + authority.certificate)
        self.authority = authority

    def execute(self, statement: str, **values: str) -> list[Any]:
        """Execute SQL as the administrator."""
        engine = create_engine(f"postgresql+psycopg://meshed@127.0.0.1:{self.port}/postgres")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            result = connection.execute(text(statement), values)
            found = list(result.scalars()) if result.returns_rows else []
        engine.dispose()
        return found

    def login(self, password: str, role: str = "rag", ca: PrivateAuthority | None = None) -> dict[str, str]:
        """Files of a login."""
        pair = self.authority.issue(role)
        return {
            "secret/db/url": f"postgresql://{role}:{password}@127.0.0.1:{self.port}/mcp",
            "secret/db-tls/tls.crt": pair.certificate,
            "secret/db-tls/tls.key": pair.private_key,
            "config-map/db-ca/ca.crt": (ca or self.authority).certificate,
        }


@pytest.fixture
def store(find_engine: Callable[[str], Path]) -> Iterator[Store]:
    """A server with the role `rag`, whose password is `one`, and its database."""
    server = PostgreSQLServer(find_engine)
    found = Store(server, free_port())
    found.use_certificates_of(PrivateAuthority("first"))
    server.write("pg_hba.conf", HBA)
    tls = "-c ssl=on -c ssl_cert_file=server.crt -c ssl_key_file=server.key -c ssl_ca_file=root.crt"
    server.start(f"-c listen_addresses=127.0.0.1 -c port={found.port} {tls}")
    found.execute("CREATE ROLE rag LOGIN PASSWORD 'one'")
    found.execute("CREATE DATABASE mcp OWNER rag")
    yield found
    server.stop()
    server.remove()


@dataclass
class Replica:
    """A service whose login is mounted, and what its callers have seen."""

    service: Service
    files: MountedFiles
    failures: list[str] = field(default_factory=list)
    calls: int = 0

    async def serves(self, number: int) -> None:
        """Wait for this number of further calls."""
        wanted = self.calls + number
        await eventually(lambda: self.calls >= wanted, within_seconds=60)

    def said(self, line: str, times: int) -> bool:
        """Whether the log has the line so often."""
        return sum(line in each["message"] for each in self.service.lines()) == times


@contextlib.asynccontextmanager
async def under_load(service: Service, files: MountedFiles) -> AsyncIterator[Replica]:
    """Callers that search all the time."""
    replica = Replica(service, files)

    async def call() -> None:
        async with Client(service.url, mode="2026-07-28") as client:
            while True:
                result = await client.call_tool("search", {"question": "bright"})
                replica.calls += 1
                replica.failures += [str(result.content)] if result.is_error else []

    async with anyio.create_task_group() as tasks:
        for _ in range(CALLERS):
            tasks.start_soon(call)
        await replica.serves(50)
        yield replica
        tasks.cancel_scope.cancel()


@pytest.fixture
async def replica(start_service: StartService, store: Store, tmp_path: Path) -> AsyncIterator[Replica]:
    """The service mcp-rag under load."""
    files = MountedFiles(tmp_path / "files", store.login("one"))
    script = tmp_path / "rag.py"
    script.write_text(f"import runpy\nrunpy.run_module('{services.__name__}.rag', run_name='__main__')\n")
    service = start_service(
        script,
        ready=False,
        MESHED_MCP_DATABASE_URL_FILE=files.path("secret/db/url"),
        MESHED_MCP_DATABASE_CA_FILE=files.path("config-map/db-ca/ca.crt"),
        MESHED_MCP_DATABASE_CERTIFICATE_FILE=files.path("secret/db-tls/tls.crt"),
        MESHED_MCP_DATABASE_PRIVATE_KEY_FILE=files.path("secret/db-tls/tls.key"),
    )
    await eventually(service.ready, within_seconds=60)
    async with under_load(service, files) as found:
        yield found


async def all_connections_are_newer(store: Store, than: str) -> None:
    """Wait until PostgreSQL has no connection of a service from before that time."""
    await eventually(lambda: store.execute(OLD_CONNECTIONS, than=than) == [0], within_seconds=60)


async def test_a_secret_that_changes_before_the_password_loses_no_call(replica: Replica, store: Store) -> None:
    """Requirement ROT-3: connections use the old login until PostgreSQL accepts the new one."""
    replica.files.replace(store.login("two"))
    await eventually(lambda: replica.said(NOT_YET, 1), within_seconds=60)
    await replica.serves(50)
    (before,) = store.execute("SELECT now()::text")
    store.execute("ALTER ROLE rag PASSWORD 'two'")
    await eventually(lambda: replica.said(ACCEPTED, 1), within_seconds=60)
    await all_connections_are_newer(store, before)
    await replica.serves(50)
    assert replica.failures == []


async def test_a_password_that_changes_before_the_secret_loses_no_call(replica: Replica, store: Store) -> None:
    """Requirement ROT-3: open connections stay, and are replaced when the Secret has arrived."""
    (before,) = store.execute("SELECT now()::text")
    store.execute("ALTER ROLE rag PASSWORD 'two'")
    await replica.serves(50)
    replica.files.replace(store.login("two"))
    await all_connections_are_newer(store, before)
    await replica.serves(50)
    assert replica.failures == []


async def test_a_second_role_replaces_the_first_without_a_lost_call(replica: Replica, store: Store) -> None:
    """PostgreSQL, "Database Roles": a role has one password, so two roles are how both logins are valid at a time."""
    store.execute("CREATE ROLE rag_2 LOGIN PASSWORD 'two' IN ROLE rag")
    (before,) = store.execute("SELECT now()::text")
    replica.files.replace(store.login("two", role="rag_2"))
    await all_connections_are_newer(store, before)
    store.execute("ALTER ROLE rag NOLOGIN")
    await replica.serves(50)
    assert replica.failures == []
    users = store.execute("SELECT DISTINCT usename FROM pg_stat_activity WHERE usename LIKE 'rag%'")
    assert users == ["rag_2"]


async def test_a_new_certificate_authority_is_used_without_a_lost_call(replica: Replica, store: Store) -> None:
    """Requirement ROT-5: libpq checks the server's certificate, and PostgreSQL the client's, by the mounted files."""
    second = PrivateAuthority("second")
    replica.files.replace(store.login("one", ca=second))
    await eventually(lambda: replica.said(NOT_YET, 1), within_seconds=60)
    await replica.serves(50)
    store.use_certificates_of(second)
    (before,) = store.execute("SELECT now()::text FROM pg_reload_conf()")
    await eventually(lambda: replica.said(ACCEPTED, 1), within_seconds=60)
    await all_connections_are_newer(store, before)
    await replica.serves(50)
    assert replica.failures == []


async def test_a_pool_that_lost_its_connections_recovers_with_the_secret(replica: Replica, store: Store) -> None:
    """Requirement ROT-3: a login that was revoked before the Secret arrives fails calls until then, and not longer."""
    store.execute("ALTER ROLE rag PASSWORD 'two'")
    store.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rag'")
    await eventually(lambda: bool(replica.failures), within_seconds=60)
    replica.files.replace(store.login("two"))
    await replica.serves(CALLERS)  # calls in flight
    failed = len(replica.failures)
    await replica.serves(100)
    assert len(replica.failures) == failed
    assert not [line for line in replica.service.lines() if "one@" in str(line) or "two@" in str(line)]
