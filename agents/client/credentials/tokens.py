"""Cache of tokens: bounded, expiring, and with one token request at a time per key."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from meshed_mcp.agents.client.credentials.errors import CredentialsError

MAX_TOKENS: Final = 1000
"""Tokens per destination: a token of 2 KiB for each of them takes 2 MiB."""

REFRESH_INTERVAL_SECONDS: Final = 10.0
"""Shortest time between two requests for a token that its destination rejects: the rejection may be permanent."""

FAILURE_SECONDS: Final = 1.0
"""Time for which a failed token request also fails the calls that wait for it."""


@dataclass(frozen=True)
class Token:
    """An access token."""

    value: str = field(repr=False)
    valid_until: float
    """Time of `monotonic` at which it is replaced, before it expires."""


@dataclass
class _Entry:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: Token | None = None
    refreshed_at: float = float("-inf")
    failure: CredentialsError | None = None
    failed_at: float = float("-inf")


class TokenCache:
    """Tokens by key; the key is a digest, never a token."""

    def __init__(self, size: int = MAX_TOKENS, now: Callable[[], float] = monotonic) -> None:
        self._size, self._now = size, now
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    async def token(
        self, key: bytes, request: Callable[[], Awaitable[Token]], *, rejected: Token | None = None
    ) -> Token:
        """Return the cached token, or a new one from `request`. Raises CredentialsError.

        A token that its destination has `rejected` is replaced, at most once per REFRESH_INTERVAL_SECONDS.
        """
        entry = self._entry(key)
        async with entry.lock:
            usable = entry.token is not None and self._now() < entry.token.valid_until
            if usable and entry.token is not None and not self._is_refreshed(entry, rejected):
                return entry.token
            if entry.failure is not None and self._now() - entry.failed_at < FAILURE_SECONDS:
                raise entry.failure
            try:
                entry.token = await request()
            except CredentialsError as error:
                entry.failure, entry.failed_at = error, self._now()
                raise
            entry.failure = None
            return entry.token

    def _is_refreshed(self, entry: _Entry, rejected: Token | None) -> bool:
        """Whether the destination has rejected the cached token, and it may be replaced now."""
        if rejected is None or rejected is not entry.token:
            return False
        if self._now() - entry.refreshed_at < REFRESH_INTERVAL_SECONDS:
            return False
        entry.refreshed_at = self._now()
        return True

    def _entry(self, key: bytes) -> _Entry:
        entry = self._entries.setdefault(key, _Entry())
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
        return entry
