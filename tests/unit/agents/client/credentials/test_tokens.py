"""Cache of tokens: bounds, expiry and failures."""

import asyncio
from dataclasses import dataclass, field

import pytest

from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.agents.client.credentials.tokens import (
    FAILURE_SECONDS,
    REFRESH_INTERVAL_SECONDS,
    Token,
    TokenCache,
)
from meshed_mcp.error_codes.code import Message

pytestmark = pytest.mark.anyio


@dataclass
class Issuer:
    """Issues numbered tokens that are valid for 100 s, at a time that the test sets."""

    time: float = 0.0
    issued: int = 0
    fails: bool = False
    started: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> float:
        """The time."""
        return self.time

    async def request(self) -> Token:
        """Issue a token."""
        self.issued += 1
        if self.fails:
            raise CredentialsError(Message("MM1008", "down"), unavailable=True)
        return Token(str(self.issued), self.time + 100)

    async def slow_request(self) -> Token:
        """Issue a token when the test says so."""
        self.started.set()
        await self.go_on.wait()
        return await self.request()


async def test_a_token_is_used_until_its_time() -> None:
    """Requirement CAL-4: expired tokens are replaced."""
    issuer = Issuer()
    cache = TokenCache(now=issuer.now)
    values = []
    for issuer.time in (0, 99, 100, 199):
        values.append((await cache.token(b"a", issuer.request)).value)
    assert values == ["1", "1", "2", "2"]


async def test_the_cache_is_bounded_and_drops_the_least_recently_used() -> None:
    """Requirement CAL-4: callers cannot fill the memory."""
    issuer = Issuer()
    cache = TokenCache(2, now=issuer.now)
    for key in (b"a", b"b", b"a", b"c", b"a", b"b"):
        await cache.token(key, issuer.request)
    assert issuer.issued == 4


async def test_a_failure_is_shared_for_a_moment_and_does_not_drop_a_valid_token() -> None:
    """Requirement CAL-6: an issuer that is down is not asked by every waiting call."""
    issuer = Issuer(fails=True)
    cache = TokenCache(now=issuer.now)
    for issuer.time in (0, FAILURE_SECONDS / 2, FAILURE_SECONDS):
        with pytest.raises(CredentialsError):
            await cache.token(b"a", issuer.request)
    assert issuer.issued == 2
    issuer.fails, issuer.time = False, 2 * FAILURE_SECONDS
    token = await cache.token(b"a", issuer.request)
    issuer.fails = True
    with pytest.raises(CredentialsError):
        await cache.token(b"a", issuer.request, rejected=token)
    assert await cache.token(b"a", issuer.request) is token


async def test_a_rejected_token_is_replaced_once_per_interval() -> None:
    """Requirement CAL-5: a call that saw the old token gets the new one."""
    issuer = Issuer()
    cache = TokenCache(now=issuer.now)
    first = await cache.token(b"a", issuer.request)
    second = await cache.token(b"a", issuer.request, rejected=first)
    assert await cache.token(b"a", issuer.request, rejected=first) is second
    assert await cache.token(b"a", issuer.request, rejected=second) is second
    issuer.time = REFRESH_INTERVAL_SECONDS
    assert await cache.token(b"a", issuer.request, rejected=second) is not second


async def test_a_canceled_request_leaves_the_next_call_to_request() -> None:
    """Requirement CAL-4: a call that misses its deadline blocks no other one."""
    issuer = Issuer()
    cache = TokenCache(now=issuer.now)
    first = asyncio.create_task(cache.token(b"a", issuer.slow_request))
    await issuer.started.wait()
    second = asyncio.create_task(cache.token(b"a", issuer.request))
    first.cancel()
    assert (await second).value == "1"
