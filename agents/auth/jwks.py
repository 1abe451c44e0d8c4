"""The public keys of a token issuer (JWKS): fetched, kept, and refreshed off the request path.

In: the URL, and the key ids that tokens name. Out: a key, None for an id the issuer does not have, or
`KeysUnavailableError`. A request whose key is kept never waits for the issuer (stale-while-revalidate, RFC 5861): the
keys are refreshed in the background, by a timer and by the first request that finds them stale. One fetch runs at a
time, and the next starts ASK_AGAIN_SECONDS after it at the earliest, however many tokens name invented ids.
Not here: what a token must say (tokens.py).
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Final

import httpx2
from jwt import PyJWK, PyJWKSet

FRESH_SECONDS: Final = 300.0
"""Age at which keys are refreshed, so that one that was withdrawn is not trusted for long."""

USABLE_SECONDS: Final = 3600.0
"""Age up to which stale keys are used while the issuer does not respond; then every token is rejected."""

ASK_AGAIN_SECONDS: Final = 10.0
"""Least time between two fetches, whatever their results were; a key that was just added waits this long."""

FETCH_SECONDS: Final = 5.0
"""Longest fetch, and so the longest wait of a request whose key is not kept."""

MAXIMUM_BYTES: Final = 256 * 1024
"""Largest answer that is read; a set of ten RSA keys has 20 kB."""

logger = logging.getLogger(__name__)


class KeysUnavailableError(Exception):
    """The issuer does not answer and no kept key is young enough: no token can be judged."""


async def fetched(url: str) -> bytes:
    """Body of the JWKS at `url`; redirects are not followed. Raises OSError, TimeoutError or httpx2.HTTPError."""
    async with (
        httpx2.AsyncClient(follow_redirects=False) as client,
        client.stream("GET", url, headers={"accept": "application/json"}) as answer,
    ):
        answer.raise_for_status()
        body = b""
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > MAXIMUM_BYTES:
                raise OSError(f"more than {MAXIMUM_BYTES} bytes")
        return body


def given(keys: str) -> Callable[[str], Awaitable[bytes]]:
    """In place of `fetched`: keys that are known already."""

    async def known(_url: str) -> bytes:
        return keys.encode()

    return known


class IssuerKeys:
    """The keys at one URL."""

    def __init__(
        self,
        url: str,
        fetch: Callable[[str], Awaitable[bytes]] = fetched,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[str | None, PyJWK] = {}
        self._fetched_at = self._asked_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def key(self, key_id: str | None) -> PyJWK | None:
        """Return the key of that id; without an id, the issuer's only key. Raises KeysUnavailableError.

        Waits for the issuer, at most FETCH_SECONDS, only where the key is not kept or is too old to be used.
        """
        age = self._clock() - self._fetched_at
        is_kept = key_id in self._keys and age <= USABLE_SECONDS
        if age > FRESH_SECONDS or not is_kept:
            fetching = self._refresh()
            if fetching is not None and not is_kept:
                await asyncio.shield(fetching)  # a request that is cancelled must not end the fetch of the others
        if self._clock() - self._fetched_at > USABLE_SECONDS:
            raise KeysUnavailableError(self._url)
        return self._keys.get(key_id)

    def _refresh(self) -> "asyncio.Task[None] | None":
        """Return the fetch that is under way, a new one if it is time for one, None where neither is."""
        if self._fetching is not None:
            return self._fetching
        if self._clock() - self._asked_at <= ASK_AGAIN_SECONDS:
            return None
        self._fetching = asyncio.create_task(self._ask(), name="keys of the token issuer")
        self._fetching.add_done_callback(self._asked)
        return self._fetching

    def _asked(self, fetching: "asyncio.Task[None]") -> None:
        """Set the timer for the next fetch, so that a service without requests does not keep withdrawn keys."""
        self._fetching, self._asked_at = None, self._clock()
        if self._timer is not None:
            self._timer.cancel()
        if self._fetched_at > float("-inf"):
            self._timer = fetching.get_loop().call_later(FRESH_SECONDS, self._refresh)

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                self._keys = by_id(await self._fetch(self._url))
        except Exception as error:  # noqa: BLE001 - whatever the issuer sends, the kept keys stay in use
            logger.warning("no keys from %s: %s %s", self._url, type(error).__name__, error)
        else:
            self._fetched_at = self._clock()


def by_id(body: bytes) -> Mapping[str | None, PyJWK]:
    """The signing keys of a JWKS by their ids, a lone one also under None. Raises ValueError or PyJWTError.

    Source: RFC 7517, sections 4.2 and 5: keys of unknown types are passed over, `use` tells signing keys.
    """
    answer = json.loads(body)
    if not (isinstance(answer, dict) and isinstance(answer.get("keys"), list)):
        raise ValueError("is no JSON object with a list of keys")  # noqa: TRY004 - the issuer sent it, no caller
    if not all(isinstance(key, dict) for key in answer["keys"]):
        raise ValueError("has a key that is no JSON object")
    keys = (key for key in PyJWKSet.from_dict(answer).keys if isinstance(key.key_id, str | None))
    usable = [key for key in keys if key.public_key_use in (None, "sig")]
    found: dict[str | None, PyJWK] = {key.key_id: key for key in usable}
    return {None: usable[0], **found} if len(usable) == 1 else found
