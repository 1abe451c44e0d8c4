"""Store of sealed records in the stack's Redis."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshed_mcp.agents.process.server_login import ServerLogin
from meshed_mcp.agents.state.redis_client import RotatingRedis
from meshed_mcp.agents.user_credentials.stores.store import StoreUnavailableError

TIMEOUT_SECONDS: Final = 2.0
"""Longest wait for a response of Redis. A call of a tool waits that long before it fails."""

MILLISECONDS: Final = 1000


class RedisStore:
    """Records as keys of Redis, which expire there."""

    def __init__(self, login: ServerLogin, prefix: str) -> None:
        """`prefix` begins every key. Raises SettingsError for an invalid URL or certificate."""
        self._prefix = prefix
        self._redis = RotatingRedis(login, lambda client: client.exists(prefix), TIMEOUT_SECONDS)

    async def open(self) -> None:
        """Do nothing: connections are made with the first command, so a replica starts without Redis."""

    async def get(self, key: str) -> str | None:
        """Return the value; None without one. Raises StoreUnavailableError."""
        found = await self._run(lambda client: client.get(self._prefix + key))
        return None if found is None else str(found, "ascii")

    async def put(self, key: str, value: str, seconds: float | None) -> None:
        """Write a value. Raises StoreUnavailableError."""
        await self._run(lambda client: client.set(self._prefix + key, value, px=_milliseconds(seconds)))

    async def add(self, key: str, value: str, seconds: float) -> bool:
        """Write a value unless there is one. Raises StoreUnavailableError."""
        name = self._prefix + key
        return bool(await self._run(lambda client: client.set(name, value, px=_milliseconds(seconds), nx=True)))

    async def delete(self, key: str) -> bool:
        """Delete a value. Raises StoreUnavailableError."""
        return bool(await self._run(lambda client: client.delete(self._prefix + key)))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def _run(self, command: Callable[[Redis], Awaitable[Any]]) -> Any:
        try:
            return await command(await self._redis.client())
        except (RedisError, OSError) as error:
            raise StoreUnavailableError(f"Redis: {type(error).__name__}") from None


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, int(seconds * MILLISECONDS))
