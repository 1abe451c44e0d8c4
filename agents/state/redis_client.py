"""Client of the stack's Redis whose login may change while the process runs.

A new login takes effect when Redis accepts it, so the Secret may change before or after Redis. A login of another
server takes effect at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from time import monotonic
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from meshed_mcp import contract
from meshed_mcp.agents.process.memory_files import memory_file
from meshed_mcp.agents.process.server_login import LoginValues, ServerLogin
from meshed_mcp.agents.settings import SettingsError
from meshed_mcp.error_codes.runtime import INVALID_REDIS_URL

CONNECT_TIMEOUT_SECONDS: Final = 5
SOCKET_TIMEOUT_SECONDS: Final = 10  # longer than the longest blocking command, the XREAD of redis_bus.py
PROBE_SECONDS: Final = 5.0
"""Pause between two attempts with a login that Redis does not accept, which cost a connection each."""

logger = logging.getLogger(__name__)


class _Opened(NamedTuple):
    login: LoginValues
    client: Redis
    files: ExitStack
    """Certificates in memory, which new connections read."""

    async def aclose(self) -> None:
        await self.client.aclose()
        self.files.close()


class RotatingRedis:
    """Clients of one Redis, for one event loop."""

    def __init__(
        self,
        login: ServerLogin,
        probe: Callable[[Redis], Awaitable[object]],
        timeout_seconds: float = SOCKET_TIMEOUT_SECONDS,
    ) -> None:
        """`probe` sends a command that the user of Redis may send: it fails if Redis does not accept the login.

        `timeout_seconds` is the longest wait for a response. Raises SettingsError for an invalid URL or certificate.
        """
        self._login, self._probe, self._timeout_seconds = login, probe, timeout_seconds
        self._current = _open(login.read(), timeout_seconds)
        self._retired: _Opened | None = None
        self._rejected: LoginValues | None = None
        self._rejected_at = 0.0
        self._changing = asyncio.Lock()

    async def client(self) -> Redis:
        """Return the client with the newest login that Redis accepts; use it for the next command only.

        Without a change it costs a few system calls.
        """
        newest = self._login.read()
        if newest != self._current.login and not self._changing.locked():
            async with self._changing:
                await self._change(newest)
        return self._current.client

    async def aclose(self) -> None:
        """Close every connection."""
        for each in (self._retired, self._current):
            if each is not None:
                await each.aclose()

    async def _change(self, newest: LoginValues) -> None:
        if newest == self._rejected and monotonic() - self._rejected_at < PROBE_SECONDS:
            return
        try:
            opened = _open(newest, self._timeout_seconds)
        except SettingsError as error:
            self._note_rejection(newest, str(error))
            return
        if newest.is_same_server(self._current.login):
            try:
                await self._probe(opened.client)
            except (RedisError, OSError) as error:
                await opened.aclose()
                self._note_rejection(newest, " ".join(str(error).split()))
                return
        await self._use(opened)

    async def _use(self, opened: _Opened) -> None:
        if self._retired is not None:
            await self._retired.aclose()
        # Commands in flight end on their connections; these close with the next change or the process.
        self._retired, self._current, self._rejected = self._current, opened, None
        await self._retired.client.connection_pool.disconnect(inuse_connections=False)
        logger.info("Redis accepts the new login; new connections use it")

    def _note_rejection(self, login: LoginValues, reason: str) -> None:
        if login != self._rejected:
            logger.warning("Redis does not accept the new login yet, so the old one stays in use: %s", reason)
        self._rejected, self._rejected_at = login, monotonic()


def _open(login: LoginValues, timeout_seconds: float) -> _Opened:
    """Return a client without a connection and without retries of its own. Raises SettingsError."""
    files = ExitStack()
    tls: dict[str, Any] = {} if login.ca is None else {"ssl_ca_data": login.ca}
    if login.certificate is not None and login.private_key is not None:
        tls["ssl_certfile"] = files.enter_context(memory_file(login.certificate))
        tls["ssl_keyfile"] = files.enter_context(memory_file(login.private_key))
    try:
        client = Redis.from_url(
            login.url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=min(CONNECT_TIMEOUT_SECONDS, timeout_seconds),
            socket_timeout=timeout_seconds,
            **tls,
        )
        client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        files.close()
        raise SettingsError(INVALID_REDIS_URL.message(variable=contract.ENV_REDIS_URL)) from None
    return _Opened(login, client, files)
