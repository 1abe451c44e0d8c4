"""JSON Web Key Set (JWKS) cache of a token issuer: stale-while-revalidate (RFC 5861), one fetch at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final

import httpx2

from meshed_mcp.agents.auth.signing_keys import SigningKey, matching_keys, signing_keys

REFRESH_AFTER_SECONDS: Final = 300.0  # age at which keys are refreshed, which limits how long a revoked key is trusted
MAX_KEY_AGE_SECONDS: Final = 3600.0
"""Maximum age of keys while the issuer does not respond; beyond it every token is rejected."""

MIN_FETCH_INTERVAL_SECONDS: Final = 10.0  # minimum time between two fetches; a new key can be unknown for this long
FETCH_SECONDS: Final = 5.0  # timeout of a fetch: the longest wait of a request whose key is not cached
MAX_RESPONSE_BYTES: Final = 256 * 1024  # largest response that is read. A set of ten RSA keys has 20 kB.
logger = logging.getLogger(__name__)

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns the body at a URL. Raises any exception."""


class KeysUnavailableError(Exception):
    """The issuer does not respond and the cached keys are too old: no token can be verified."""


async def fetch_document(url: str) -> bytes:
    """Return the body at `url`; redirects are not followed. Raises OSError, TimeoutError or httpx2.HTTPError."""
    async with (
        httpx2.AsyncClient(follow_redirects=False) as client,
        client.stream("GET", url, headers={"accept": "application/json"}) as response,
    ):
        response.raise_for_status()
        body = b""
        async for part in response.aiter_bytes():
            body += part
            if len(body) > MAX_RESPONSE_BYTES:
                raise OSError(f"more than {MAX_RESPONSE_BYTES} bytes")
        return body


def static_keys(keys: str) -> Fetch:
    """Return a replacement for `fetch_document` that returns `keys`."""

    async def fetch(_url: str) -> bytes:
        return keys.encode()

    return fetch


class IssuerKeys:
    """Cache of the keys at one URL."""

    def __init__(self, url: str, fetch: Fetch = fetch_document, clock: Callable[[], float] = monotonic) -> None:
        self._url, self._fetch, self._clock = url, fetch, clock
        self._keys: Sequence[SigningKey] = ()
        self._fetched_at = self._last_fetch_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def find(self, key_id: str | None) -> Sequence[SigningKey]:
        """Return the keys that a token with this key ID may be signed with; none for an unknown ID.

        Waits up to FETCH_SECONDS if no such key is cached or the keys are too old. Raises KeysUnavailableError.
        """
        age = self._clock() - self._fetched_at
        is_cached = age <= MAX_KEY_AGE_SECONDS and bool(matching_keys(self._keys, key_id))
        if age > REFRESH_AFTER_SECONDS or not is_cached:
            fetching = self._refresh()
            if fetching is not None and not is_cached:
                await asyncio.shield(fetching)  # a canceled request must not cancel the shared fetch
        if self._clock() - self._fetched_at > MAX_KEY_AGE_SECONDS:
            raise KeysUnavailableError(self._url)
        return matching_keys(self._keys, key_id)

    def _refresh(self) -> "asyncio.Task[None] | None":
        """Return the running fetch, or start one; None within MIN_FETCH_INTERVAL_SECONDS of the last one."""
        if self._fetching is not None:
            return self._fetching
        if self._clock() - self._last_fetch_at <= MIN_FETCH_INTERVAL_SECONDS:
            return None
        self._fetching = asyncio.create_task(self._fetch_keys(), name="keys of the token issuer")
        self._fetching.add_done_callback(self._on_fetched)
        return self._fetching

    def _on_fetched(self, fetching: "asyncio.Task[None]") -> None:
        """Schedule the next fetch, so that an idle service drops revoked keys too."""
        self._fetching, self._last_fetch_at = None, self._clock()
        if self._timer is not None:
            self._timer.cancel()
        if self._fetched_at > float("-inf"):
            self._timer = fetching.get_loop().call_later(REFRESH_AFTER_SECONDS, self._refresh)

    async def _fetch_keys(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                self._keys = signing_keys(await self._fetch(self._url))
        except Exception as error:  # noqa: BLE001 - the cached keys stay in use on any error
            logger.warning("no keys from %s: %s %s", self._url, type(error).__name__, error)
        else:
            self._fetched_at = self._clock()
