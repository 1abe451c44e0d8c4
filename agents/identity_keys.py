"""The public keys of a token issuer (JWKS): fetched when needed, kept, renewed when the issuer rotates them.

In: the URL, and the key ids that tokens name. Out: a key, None for an id the issuer does not have, or
`KeysUnavailableError`. However many tokens name invented ids, the issuer is asked once per ASK_AGAIN_SECONDS.
Not here: what a token must say (identity_token.py).
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Final

import httpx2
from jwt import PyJWK, PyJWKSet, PyJWTError

FRESH_SECONDS: Final = 300.0
"""Age at which keys are asked for again, so that one that was withdrawn is not trusted for long."""

USABLE_SECONDS: Final = 3600.0
"""Age up to which old keys serve while the issuer does not answer; then nobody gets in any more."""

ASK_AGAIN_SECONDS: Final = 10.0
"""Least time between two questions, whatever the answers were; a key that was just added waits this long."""

FETCH_SECONDS: Final = 5.0
"""Longest wait for the whole answer."""

MAXIMUM_BYTES: Final = 256 * 1024
"""Largest answer that is read; a set of ten RSA keys has 20 kB."""

logger = logging.getLogger(__name__)


class KeysUnavailableError(Exception):
    """The issuer does not answer and no kept key is young enough: no token can be judged."""


async def fetched(url: str) -> bytes:
    """Body of the JWKS at `url`; redirects are not followed. Raises OSError, TimeoutError or httpx2.HTTPError."""
    async with (
        asyncio.timeout(FETCH_SECONDS),
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
        self._asking = asyncio.Lock()

    async def key(self, key_id: str | None) -> PyJWK | None:
        """The key of that id; without one, the issuer's only key. Raises KeysUnavailableError."""
        if self._age(self._fetched_at) > FRESH_SECONDS or key_id not in self._keys:
            async with self._asking:
                if self._age(self._asked_at) > ASK_AGAIN_SECONDS:
                    await self._ask()
        if self._age(self._fetched_at) > USABLE_SECONDS:
            raise KeysUnavailableError(self._url)
        return self._keys.get(key_id)

    def _age(self, moment: float) -> float:
        return self._clock() - moment

    async def _ask(self) -> None:
        try:
            self._keys = by_id(await self._fetch(self._url))
        except (httpx2.HTTPError, OSError, ValueError, PyJWTError) as error:
            logger.warning("no keys from %s: %s %s", self._url, type(error).__name__, error)
        else:
            self._fetched_at = self._clock()
        finally:
            self._asked_at = self._clock()


def by_id(body: bytes) -> Mapping[str | None, PyJWK]:
    """The signing keys of a JWKS by their ids, a lone one also under None. Raises ValueError or PyJWTError.

    Source: RFC 7517, sections 4.2 and 5: keys of unknown types are passed over, `use` tells signing keys.
    """
    answer = json.loads(body)
    if not isinstance(answer, dict):
        raise ValueError("is no JSON object")  # noqa: TRY004 - a fault of the answer, not of a caller's types
    usable = [key for key in PyJWKSet.from_dict(answer).keys if key.public_key_use in (None, "sig")]
    found: dict[str | None, PyJWK] = {key.key_id: key for key in usable}
    return {None: usable[0], **found} if len(usable) == 1 else found
