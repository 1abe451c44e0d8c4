"""Connections of a replica to its upstream: which one serves which caller, how many, and when they close.

| caller | HTTP upstream | stdio upstream |
| --- | --- | --- |
| session of a client up to 2025-11-25 (`legacy: sticky`) | a session of its own | a process of its own |
| without a session | one connection per call in flight | a process per verified identity |
| `process: shared` | | one process for all |

A connection that serves one call at a time tells which call a message of the upstream belongs to. Callers share a
connection to an upstream up to 2025-11-25 only if they declare the same client capabilities, which it gets in its
handshake; requests of 2026-07-28 carry them.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any, Final

from meshed_mcp.agents.bridge.catalog import Catalog
from meshed_mcp.agents.bridge.connector import Connector
from meshed_mcp.agents.bridge.errors import UpstreamError
from meshed_mcp.agents.bridge.metrics import LIMIT, NOT_OPENED, BridgeMetrics
from meshed_mcp.agents.bridge.negotiation import Identity
from meshed_mcp.agents.bridge.upstream import Upstream
from meshed_mcp.agents.process.supervision import Backoff

SWEEP_SECONDS: Final = 1.0  # period of the search for idle connections
SHARED: Final = "shared"
EVERY_CAPABILITY: Final[Mapping[str, Any]] = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}
"""What a shared process is offered. Source: MCP 2025-11-25, `ClientCapabilities`."""

BACKOFF: Final = Backoff(first_seconds=0.5, last_seconds=30)
"""Wait before the next start after processes that ended by themselves, per caller. A pod's CrashLoopBackOff has this
shape too but begins at 10 s."""

STABLE_SECONDS: Final = 30.0  # a process that ran for this long has not failed to start

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Key:
    """Callers that may share a connection."""

    name: str
    """Session id, or verified identity."""

    is_session: bool = False
    capabilities: str = ""
    modern: bool = True


@dataclass(eq=False)
class Entry:
    """One connection and its users."""

    key: Key
    upstream: Upstream
    users: int = 0
    opened_at: float = field(default_factory=monotonic)
    used_at: float = field(default_factory=monotonic)


@dataclass
class Failures:
    """Consecutive ends of a caller's processes."""

    number: int = 0
    next_start: float = 0.0


class Pool:
    """All connections of the replica."""

    def __init__(  # noqa: PLR0913 - settings of one object
        self,
        connector: Connector,
        metrics: BridgeMetrics,
        *,
        is_shared: bool,
        most: int,
        idle_seconds: float,
        limit_text: str,
        catalog: Catalog,
    ) -> None:
        self.connector = connector
        self._metrics, self._catalog = metrics, catalog
        self._is_shared, self._most, self._idle_seconds, self._limit_text = is_shared, most, idle_seconds, limit_text
        self._entries: dict[Key, list[Entry]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._failures: dict[Key, Failures] = {}
        self._numbers = count(1)

    @property
    def size(self) -> int:
        """Number of open connections, those that are being closed included."""
        return sum(map(len, self._entries.values())) + len(self._ending)

    def key(self, name: str, identity: Identity, *, is_session: bool, modern: bool) -> Key:
        """Return the key of a caller."""
        if self._is_shared:
            return Key(SHARED, modern=modern)
        if self.connector.is_http and modern:
            return Key(SHARED)  # no connection has a state
        capabilities = "" if is_session or modern else json.dumps(identity.capabilities, sort_keys=True)
        return Key(name, is_session, capabilities, modern)

    def find(self, key: Key) -> Upstream | None:
        """Return the open connection of a session, if there is one."""
        entries = self._entries.get(key, ())
        return next((entry.upstream for entry in entries if entry.upstream.is_usable), None)

    def any_usable(self) -> Upstream | None:
        """Return an open connection of any caller, for what all callers see; None if there is none."""
        entries = [entry for entries in self._entries.values() for entry in entries]
        return next((each.upstream for each in entries if each.upstream.is_usable and each.upstream.facts), None)

    async def acquire(self, key: Key, identity: Identity) -> "Lease":
        """Return a connection for one call, maybe one that is being opened. Raises UpstreamError at the limit."""
        entry = self._reusable(key)
        while entry is None:
            self._check_backoff(key)
            if self.size < self._most:
                entry = self._open(key, identity)
                break
            if not self._ending and not self._close_oldest_idle():
                self._metrics.rejected.inc()
                raise UpstreamError(LIMIT, self._limit_text)
            await asyncio.wait(self._ending, return_when=asyncio.FIRST_COMPLETED)
            entry = self._reusable(key)
        entry.users += 1
        return Lease(self, entry)

    def end_session(self, name: str) -> None:
        """Close the connections of a session of a client."""
        for key in [key for key in self._entries if key.is_session and key.name == name]:
            for entry in list(self._entries[key]):
                self._retire(entry)

    def sweep(self) -> None:
        """Close connections that have ended or been idle for too long; sessions end with their client's."""
        now = monotonic()
        for entry in [entry for entries in self._entries.values() for entry in entries]:
            is_idle = not (entry.users or entry.key.is_session) and now - entry.used_at > self._idle_seconds
            if is_idle or not entry.upstream.is_usable:
                self._retire(entry)
        for key, failures in list(self._failures.items()):
            if now > failures.next_start + STABLE_SECONDS:
                del self._failures[key]

    async def keep_sweeping(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep()

    async def aclose(self) -> None:
        """Close all connections and wait for their end."""
        self.connector.is_stopping = True
        for entry in [entry for entries in self._entries.values() for entry in entries]:
            self._retire(entry)
        if self._ending:
            await asyncio.wait(self._ending)
        await self.connector.aclose()

    def release(self, entry: Entry) -> None:
        """End one use."""
        entry.users -= 1
        entry.used_at = monotonic()
        if not entry.upstream.is_usable:
            self._retire(entry)

    def _reusable(self, key: Key) -> Entry | None:
        for entry in reversed(self._entries.get(key, ())):
            if not entry.upstream.is_usable:
                self._retire(entry)
            elif self.connector.has_processes or key.is_session or not entry.users:
                return entry
        return None

    def _open(self, key: Key, identity: Identity) -> Entry:
        if key.name == SHARED and self.connector.has_processes:
            identity = Identity(capabilities=EVERY_CAPABILITY)  # each caller's are checked when the upstream asks
        name = key.name if key.is_session else f"{key.name} {next(self._numbers)}"
        stateless = self.connector.is_http and key.modern  # each request says what a handshake would
        known = self._catalog.facts.get(True) if stateless else None
        upstream = Upstream(self.connector, name, identity, modern=key.modern, known=known)
        upstream.on_change = self._catalog.note_change
        entry = Entry(key, upstream)
        self._entries.setdefault(key, []).append(entry)
        return entry

    def _close_oldest_idle(self) -> bool:
        """Begin to close the connection without a session that is idle for the longest time, if there is one."""
        idle = [
            entry
            for entries in self._entries.values()
            for entry in entries
            if not (entry.users or entry.key.is_session)
        ]
        if idle:
            self._retire(min(idle, key=lambda entry: entry.used_at))
        return bool(idle)

    def _retire(self, entry: Entry) -> None:
        entries = self._entries.get(entry.key, [])
        if entry not in entries:
            return
        entries.remove(entry)
        if not entries:
            del self._entries[entry.key]
        self._note_end(entry)
        # No supervisor: `closed` is bounded and logs what does not end.
        task = asyncio.create_task(entry.upstream.closed(), name=f"end of upstream {entry.upstream.session}")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _note_end(self, entry: Entry) -> None:
        """Count a process that ended by itself soon after its start, for the wait before the next one."""
        if entry.upstream.is_usable or not self.connector.has_processes:
            return
        if monotonic() - entry.opened_at > STABLE_SECONDS:
            self._failures.pop(entry.key, None)
            return
        failures = self._failures.setdefault(entry.key, Failures())
        failures.number += 1
        if failures.number > 1:  # the first restart is immediate
            failures.next_start = monotonic() + BACKOFF.seconds(failures.number - 1)

    def _check_backoff(self, key: Key) -> None:
        failures = self._failures.get(key)
        if failures is not None and (wait := failures.next_start - monotonic()) > 0:
            text = f"The upstream ended {failures.number} times soon after its start; it starts again in {wait:.1f} s."
            raise UpstreamError(NOT_OPENED, text)


class Lease:
    """One use of a connection."""

    def __init__(self, pool: Pool, entry: Entry) -> None:
        self._pool, self._entry = pool, entry
        self.upstream = entry.upstream
        self._is_released = False

    def release(self) -> None:
        """End the use; further calls have no effect."""
        if not self._is_released:
            self._is_released = True
            self._pool.release(self._entry)

    def __enter__(self) -> Upstream:
        return self.upstream

    def __exit__(self, *_: object) -> None:
        self.release()


def capabilities_of(capabilities: Any) -> Mapping[str, Any]:
    """Return the client capabilities as JSON; empty for None."""
    if capabilities is None:
        return {}
    dumped: dict[str, Any] = capabilities.model_dump(by_alias=True, mode="json", exclude_none=True)
    return dumped
