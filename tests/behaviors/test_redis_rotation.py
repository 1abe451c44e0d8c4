"""Logins of Redis that change while replicas relay notifications: real processes, a real server with ACL and TLS."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from redis.asyncio import Redis

from tests.behaviors.replicas import Service, StartService, eventually, free_port
from tests.mounted_files import MountedFiles
from tests.private_authority import PrivateAuthority
from tests.redis_server import RedisServer, redis_server

pytestmark = [pytest.mark.anyio, pytest.mark.engine("redis-server")]

SCRIPT = Path(__file__).parent / "asking_service.py"
CONNECTED = "mcp_server_bus_connected"
ACCEPTED = "Redis accepts the new login"
NOT_YET = "Redis does not accept the new login yet"
COMMANDS = "resetkeys ~meshed-mcp:* -@all +xadd +xread +xrevrange +expire"


@dataclass
class Store:
    """A running Redis with TLS, a user `mcp`, and what an administrator does there."""

    server: RedisServer
    folder: Path
    port: int
    authority: PrivateAuthority = field(default_factory=PrivateAuthority)

    def certificates_of(self, authority: PrivateAuthority) -> dict[str, str]:
        """Options for a certificate of that authority; clients of the old one are accepted too."""
        pair = authority.issue("server")
        texts = {
            "tls-cert-file": pair.certificate,
            "tls-key-file": pair.private_key,
            "tls-ca-cert-file": self.authority.certificate + authority.certificate,
        }
        self.authority = authority
        for name, text in texts.items():
            (self.folder / f"{name}.pem").write_text(text)
        return {name: str(self.folder / f"{name}.pem") for name in texts}

    async def execute(self, *command: str) -> Any:
        """Execute a command as the administrator."""
        async with Redis.from_url(self.server.url, protocol=2) as admin:
            return await admin.execute_command(*command)

    def login(self, password: str, user: str = "mcp", ca: PrivateAuthority | None = None) -> dict[str, str]:
        """Files of a login."""
        pair = self.authority.issue("client")
        return {
            "secret/redis/url": f"rediss://{user}:{password}@127.0.0.1:{self.port}/0",
            "secret/redis-tls/tls.crt": pair.certificate,
            "secret/redis-tls/tls.key": pair.private_key,
            "config-map/redis-ca/ca.crt": (ca or self.authority).certificate,
        }


@pytest.fixture
async def store(find_engine: Callable[[str], Path], tmp_path: Path) -> AsyncIterator[Store]:
    """A server whose user `mcp` has the password `one`."""
    server = redis_server(find_engine("redis-server"))
    found = Store(server, tmp_path, free_port())
    options = {"tls-port": str(found.port), "tls-auth-clients": "yes", **found.certificates_of(PrivateAuthority("1"))}
    server.options = [part for name, value in options.items() for part in (f"--{name}", value)]
    server.start()
    await found.execute("ACL", "SETUSER", "mcp", "on", ">one", *COMMANDS.split())
    yield found
    server.stop()


@pytest.fixture
def files(store: Store, tmp_path: Path) -> MountedFiles:
    """The mounted login of both replicas."""
    return MountedFiles(tmp_path / "files", store.login("one"))


@pytest.fixture
def pair(start_service: StartService, files: MountedFiles) -> tuple[Service, Service]:
    """Two replicas that start with this login."""
    mounted = {
        "MESHED_MCP_REDIS_URL_FILE": files.path("secret/redis/url"),
        "MESHED_MCP_REDIS_CA_FILE": files.path("config-map/redis-ca/ca.crt"),
        "MESHED_MCP_REDIS_CERTIFICATE_FILE": files.path("secret/redis-tls/tls.crt"),
        "MESHED_MCP_REDIS_PRIVATE_KEY_FILE": files.path("secret/redis-tls/tls.key"),
    }
    one, other = (start_service(SCRIPT, ready=False, **mounted) for _ in range(2))
    return one, other


@dataclass
class Heard:
    """Changes that one replica made, and those that a listener of the other has heard."""

    services: tuple[Service, Service]
    made: int = 0
    heard: int = 0

    async def relays(self) -> None:
        """Make one change at the first replica and wait until the listener has heard it."""
        async with Client(self.services[0].url, mode="2026-07-28") as client:
            assert not (await client.call_tool("change", {"what": "tools"})).is_error
        self.made += 1
        await eventually(lambda: self.heard >= self.made, within_seconds=60)

    async def both_said(self, line: str) -> None:
        """Wait until the log of each replica has the line."""
        await eventually(lambda: all(each.said(line) for each in self.services), within_seconds=60)


@contextlib.asynccontextmanager
async def listening(pair: tuple[Service, Service]) -> AsyncIterator[Heard]:
    """A listener at the second replica, once both are connected."""
    await eventually(lambda: all(each.ready() and each.sample(CONNECTED) == 1 for each in pair), within_seconds=60)
    found = Heard(pair)
    async with (
        Client(pair[1].url, mode="2026-07-28") as client,
        client.listen(tools_list_changed=True) as subscription,
        anyio.create_task_group() as tasks,
    ):

        async def collect() -> None:
            async for _ in subscription:
                found.heard += 1

        tasks.start_soon(collect)
        await found.relays()
        yield found
        assert found.heard == found.made
        tasks.cancel_scope.cancel()


async def drop_connections(store: Store, user: str) -> None:
    """End the connections of a user, as a server does that restarts."""
    await store.execute("CLIENT", "KILL", "USER", user)


async def test_a_secret_that_changes_before_the_password_loses_no_change(
    pair: tuple[Service, Service], files: MountedFiles, store: Store
) -> None:
    """Requirement ROT-3: the relay uses the old login until Redis accepts the new one."""
    async with listening(pair) as heard:
        files.replace(store.login("two"))
        await heard.both_said(NOT_YET)
        await heard.relays()
        await store.execute("ACL", "SETUSER", "mcp", "resetpass", ">two")
        await heard.both_said(ACCEPTED)
        await heard.relays()
        assert all(each.sample(CONNECTED) == 1 for each in pair)


async def test_a_password_that_is_revoked_before_the_secret_changes_delays_changes_only(
    pair: tuple[Service, Service], files: MountedFiles, store: Store
) -> None:
    """Requirement ROT-3: changes wait in the outbox until the Secret has arrived."""
    async with listening(pair) as heard:
        await store.execute("ACL", "SETUSER", "mcp", "resetpass", ">two")
        await drop_connections(store, "mcp")
        await eventually(lambda: all(each.sample(CONNECTED) == 0 for each in pair), within_seconds=60)
        files.replace(store.login("two"))
        await heard.relays()
        assert all("invalid" not in str(line) for each in pair for line in each.lines())


async def test_a_second_user_replaces_the_first_without_a_lost_change(
    pair: tuple[Service, Service], files: MountedFiles, store: Store
) -> None:
    """Redis, "ACL": DELUSER ends the connections of the user."""
    await store.execute("ACL", "SETUSER", "mcp-2", "on", ">two", *COMMANDS.split())
    async with listening(pair) as heard:
        files.replace(store.login("two", user="mcp-2"))
        await heard.both_said(ACCEPTED)
        await store.execute("ACL", "DELUSER", "mcp")
        await heard.relays()
        assert all(each.sample(CONNECTED) == 1 for each in pair)


async def test_a_new_certificate_authority_is_used_without_a_lost_change(
    pair: tuple[Service, Service], files: MountedFiles, store: Store
) -> None:
    """Requirement ROT-5: the client checks the server's certificate, and Redis the client's, by the mounted files."""
    async with listening(pair) as heard:
        second = PrivateAuthority("2")
        files.replace(store.login("one", ca=second))
        await heard.both_said(NOT_YET)
        await heard.relays()
        options = store.certificates_of(second)
        await store.execute("CONFIG", "SET", *(part for option in options.items() for part in option))
        await heard.both_said(ACCEPTED)
        await drop_connections(store, "mcp")
        await heard.relays()
    for service in pair:
        assert not [line for line in service.lines() if ":one@" in str(line)]
