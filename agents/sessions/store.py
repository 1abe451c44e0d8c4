"""Redis store of sessions: one record and one bounded list of events each, which expire with the session.

Every script compares the epoch of the session, so that a replica that has lost it writes nothing. While Redis does not
respond, sessions go on in memory. Session ids are stored as digests.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Final

from prometheus_client import CollectorRegistry, Gauge
from redis.exceptions import RedisError

from meshed_mcp import contract
from meshed_mcp.agents.process.server_login import ServerLogin
from meshed_mcp.agents.sessions.stored_session import (
    KEPT_BYTES,
    KEPT_EVENTS,
    SURROGATES,
    Event,
    StoredSession,
    from_record,
)
from meshed_mcp.agents.state.redis_client import RotatingRedis

RETRY_SECONDS: Final = 1.0  # wait after a failure, in which no request waits for Redis
TIMEOUT_SECONDS: Final = 1.0  # longest wait of a request for Redis
READ_EVENTS: Final = 64  # events per read

SAVE: Final = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch and epoch ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[1], 'epoch', ARGV[2])
if not epoch then redis.call('HSET', KEYS[1], 'number', ARGV[3]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""
CLAIM: Final = """
if redis.call('HEXISTS', KEYS[1], 'record') == 0 then return nil end
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return {redis.call('HGET', KEYS[1], 'record'), epoch, redis.call('HGET', KEYS[1], 'number')}
"""
TOUCH: Final = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return -1 end
if epoch ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
"""
END: Final = """
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'epoch', 'ended')
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
APPEND: Final = """
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
local number = redis.call('HINCRBY', KEYS[1], 'number', 1)
if number <= tonumber(ARGV[2]) then
  number = tonumber(ARGV[2]) + 1
  redis.call('HSET', KEYS[1], 'number', number)
end
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('HSET', KEYS[1], 'bytes', 0) end
redis.call('XADD', KEYS[2], number .. '-0', 's', ARGV[3], 'd', ARGV[4], 'e', ARGV[5], 'p', ARGV[1])
local bytes = redis.call('HINCRBY', KEYS[1], 'bytes', #ARGV[4])
while redis.call('XLEN', KEYS[2]) > tonumber(ARGV[6]) or bytes > tonumber(ARGV[7]) do
  local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  redis.call('XDEL', KEYS[2], first[1])
  bytes = redis.call('HINCRBY', KEYS[1], 'bytes', 0 - #first[2][4])
end
redis.call('PEXPIRE', KEYS[1], ARGV[8])
redis.call('PEXPIRE', KEYS[2], ARGV[8])
return number
"""

logger = logging.getLogger(__name__)


class StoreUnavailableError(Exception):
    """Redis does not respond; the session goes on in memory."""


class SessionStore:
    """Sessions of one service in Redis."""

    def __init__(self, login: ServerLogin, prefix: str, idle_seconds: float, registry: CollectorRegistry) -> None:
        """Raises SettingsError for an invalid URL or certificate."""
        self._redis = RotatingRedis(login, lambda client: client.exists(prefix), TIMEOUT_SECONDS)
        self._prefix = prefix
        self._expiry = int(idle_seconds * 1000)
        self._scripts = dict[str, Any]()
        self._retry_at = 0.0
        self._is_down = False
        self._connected = Gauge(
            contract.METRIC_SESSION_STORE_CONNECTED,
            "1 while sessions are in Redis, 0 while they are only in the memory of this replica.",
            registry=registry,
        )
        self._connected.set(1)

    async def save(self, session: StoredSession) -> bool:
        """Save the record; return whether the session is still this replica's."""
        found = await self._run(
            SAVE, session.name, session.record().encode(), session.epoch, session.number, self._expiry
        )
        session.is_saved = bool(found)
        return session.is_saved

    async def load(self, name: str) -> StoredSession | None:
        """The session as another replica left it; None if there is none. It is not claimed."""
        key = self._keys(name)[0]
        record = await self._call(lambda client: client.hget(key, "record"))
        return None if record is None else from_record(name, record)

    async def claim(self, name: str) -> StoredSession | None:
        """Take a session from its replica; None if it has ended meanwhile."""
        found = await self._run(CLAIM, name, self._expiry)
        return None if found is None else from_record(name, found[0], int(found[1]), int(found[2]))

    async def touch(self, session: StoredSession) -> bool:
        """Prolong a session; return whether it is still this replica's. What Redis has lost is saved again."""
        found = await self._run(TOUCH, session.name, session.epoch, self._expiry)
        return await self.save(session) if found < 0 or (found and not session.is_saved) else bool(found)

    async def end(self, name: str) -> None:
        """Remove a session, for good."""
        await self._run(END, name, self._expiry)

    async def append(self, session: StoredSession, event: Event) -> int:
        """Store an event after `event.number`; return its number, 0 if the session is another replica's by now."""
        found = await self._run(
            APPEND,
            session.name,
            session.epoch,
            event.number,
            event.stream.encode(errors=SURROGATES),
            event.data.encode(errors=SURROGATES),
            int(event.ends),
            KEPT_EVENTS,
            KEPT_BYTES,
            self._expiry,
        )
        return int(found)

    async def read(self, session: StoredSession, after: int) -> list[Event]:
        """The next events after a number, in order."""
        key = self._keys(session.name)[1]
        found = await self._call(lambda client: client.xrange(key, f"({after}-0", count=READ_EVENTS))
        return [
            Event(
                int(number.split(b"-")[0]),
                fields[b"s"].decode(errors=SURROGATES),
                fields[b"d"].decode(errors=SURROGATES),
                fields[b"e"] == b"1",
                int(fields[b"p"]),
            )
            for number, fields in found
        ]

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _keys(self, name: str) -> tuple[str, str]:
        """Record and events. The braces keep both on one node of a Redis cluster."""
        record = f"{self._prefix}{{{hashlib.sha256(name.encode()).hexdigest()}}}"
        return record, f"{record}:events"

    async def _run(self, script: str, name: str, *values: Any) -> Any:
        keys = self._keys(name)

        def run(client: Any) -> Awaitable[Any]:
            registered = self._scripts.get(script) or client.register_script(script)
            self._scripts[script] = registered
            running: Awaitable[Any] = registered(keys=keys, args=values, client=client)
            return running

        return await self._call(run)

    async def _call(self, command: Callable[[Any], Awaitable[Any]]) -> Any:
        if monotonic() < self._retry_at:
            raise StoreUnavailableError
        try:
            found = await command(await self._redis.client())
        except (RedisError, OSError) as error:
            self._retry_at = monotonic() + RETRY_SECONDS
            self._note(is_down=True, reason=" ".join(str(error).split()))
            raise StoreUnavailableError from None
        self._note(is_down=False)
        return found

    def _note(self, *, is_down: bool, reason: str = "") -> None:
        if is_down is self._is_down:
            return
        self._is_down = is_down
        self._connected.set(not is_down)
        if is_down:
            logger.warning("Redis does not respond, so sessions are only in the memory of this replica: %s", reason)
        else:
            logger.info("sessions are in Redis again")
