"""The JWKS cache: when keys are fetched, cached and no longer trusted."""

import asyncio
import json
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from meshed_mcp import contract
from meshed_mcp.agents.auth import jwks as identity_keys
from meshed_mcp.agents.auth.jwks import (
    MAX_KEY_AGE_SECONDS,
    MIN_FETCH_INTERVAL_SECONDS,
    REFRESH_AFTER_SECONDS,
    IssuerKeys,
    KeysUnavailableError,
    static_keys,
)

pytestmark = pytest.mark.anyio

BOUND_SECONDS = 20

PUBLIC = rsa.generate_private_key(65537, 2048).public_key()


def jwks(*keys: dict[str, Any]) -> bytes:
    """A JWKS with one RSA key under several headers."""
    numbers = jwt.algorithms.RSAAlgorithm.to_jwk(PUBLIC, as_dict=True)
    return json.dumps({"keys": [numbers | key for key in keys]}).encode()


class Issuer:
    """A fake issuer with its own clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.fetches = 0
        self.response: bytes | Exception = jwks({"kid": "one"})
        self.responds = asyncio.Event()
        self.responds.set()
        self.keys = IssuerKeys("https://issuer/jwks", self.fetch, lambda: self.now)

    async def fetch(self, url: str) -> bytes:
        """Return or raise the response."""
        assert url == "https://issuer/jwks"
        self.fetches += 1
        await self.responds.wait()
        if isinstance(self.response, Exception):
            raise self.response
        return self.response

    async def wait_refreshed(self) -> None:
        """Wait until no fetch is running."""
        async with asyncio.timeout(BOUND_SECONDS):
            while self.keys._fetching is not None:
                await asyncio.wait({self.keys._fetching})
                await asyncio.sleep(0)


async def test_fresh_keys_are_not_fetched_again() -> None:
    """Requirement SEC-5: no call fetches keys while they are fresh."""
    issuer = Issuer()
    for _ in range(3):
        assert await issuer.keys.find("one")
    issuer.now = REFRESH_AFTER_SECONDS
    assert await issuer.keys.find("one")
    assert issuer.fetches == 1
    issuer.now += 1
    assert await issuer.keys.find("one")
    await issuer.wait_refreshed()
    assert issuer.fetches == 2


async def test_an_unknown_key_id_is_fetched_at_most_once_per_pause() -> None:
    """Requirement SEC-5: invented ids cause no flood; OpenID Connect, "Rotation of Asymmetric Signing Keys"."""
    issuer = Issuer()
    assert not await issuer.keys.find("two")
    assert not await issuer.keys.find("two")
    assert issuer.fetches == 1
    issuer.now = MIN_FETCH_INTERVAL_SECONDS + 1
    issuer.response = jwks({"kid": "one"}, {"kid": "two"})
    assert await issuer.keys.find("two")
    assert issuer.fetches == 2


async def test_a_revoked_key_is_dropped_with_the_next_response() -> None:
    """Requirement SEC-5: a new key set replaces the old one."""
    issuer = Issuer()
    assert await issuer.keys.find("one")
    issuer.now, issuer.response = REFRESH_AFTER_SECONDS + 1, jwks({"kid": "two"})
    assert await issuer.keys.find("one")
    await issuer.wait_refreshed()
    assert not await issuer.keys.find("one")


async def test_stale_keys_are_used_at_once_while_the_issuer_hangs() -> None:
    """RFC 5861, section 3: stale-while-revalidate; one fetch at a time, which ends with the last bound of the keys."""
    issuer = Issuer()
    assert await issuer.keys.find("one")
    issuer.responds.clear()
    for issuer.now in (REFRESH_AFTER_SECONDS + 1, REFRESH_AFTER_SECONDS + 100, MAX_KEY_AGE_SECONDS):
        async with asyncio.timeout(BOUND_SECONDS):
            found = await asyncio.gather(*(issuer.keys.find("one") for _ in range(5)))
        assert [] not in found
    await asyncio.sleep(0)
    assert issuer.fetches == 2
    issuer.responds.set()
    await issuer.wait_refreshed()


async def test_an_unknown_key_id_waits_for_a_bounded_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement SEC-5: a hanging issuer delays only tokens with an unknown key, FETCH_SECONDS each."""
    monkeypatch.setattr(identity_keys, "FETCH_SECONDS", 0.05)
    issuer = Issuer()
    assert await issuer.keys.find("one")
    issuer.now = MIN_FETCH_INTERVAL_SECONDS + 1
    issuer.responds.clear()
    async with asyncio.timeout(BOUND_SECONDS):
        assert await asyncio.gather(*(issuer.keys.find("two") for _ in range(5))) == [[]] * 5
        assert not await issuer.keys.find("two")
    assert issuer.fetches == 2


async def test_a_cancelled_request_does_not_end_the_fetch_of_the_others() -> None:
    """Requirement SEC-5: a client that disconnects fails no other client's call."""
    issuer = Issuer()
    issuer.responds.clear()
    one, other = (asyncio.create_task(issuer.keys.find("one")) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.wait({one}, timeout=BOUND_SECONDS)
    issuer.responds.set()
    assert await asyncio.wait_for(other, BOUND_SECONDS)
    assert (one.cancelled(), issuer.fetches) == (True, 1)


async def test_keys_are_refreshed_without_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement SEC-5: the first request after an idle hour is not verified with a revoked key."""
    monkeypatch.setattr(identity_keys, "REFRESH_AFTER_SECONDS", 0.05)
    asked_again = asyncio.Event()

    async def fetch(_url: str) -> bytes:
        if times:
            asked_again.set()
        times.append(keys._clock())
        return jwks({"kid": "one"})

    times: list[float] = []
    monkeypatch.setattr(identity_keys, "MIN_FETCH_INTERVAL_SECONDS", 0.0)
    keys = IssuerKeys("https://issuer/jwks", fetch)
    assert await keys.find("one")
    await asyncio.wait_for(asked_again.wait(), BOUND_SECONDS)


@pytest.mark.parametrize(
    "response",
    [
        httpx2.ConnectError("away"),
        httpx2.InvalidURL("no URL"),
        TimeoutError(),
        OSError("too much"),
        RuntimeError("unexpected"),
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": [1]}',
        b"\xff",
        jwks(),
    ],
)
async def test_old_keys_are_used_for_a_time_while_the_issuer_is_unavailable(
    response: bytes | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement SEC-5: one hour without the issuer, retried after a pause, one log line each."""
    issuer = Issuer()
    assert await issuer.keys.find("one")
    issuer.response, issuer.now = response, REFRESH_AFTER_SECONDS + 1
    for _ in range(2):
        assert await issuer.keys.find("one")
        await issuer.wait_refreshed()
    assert (issuer.fetches, len(caplog.messages)) == (2, 1)
    assert caplog.messages[0].startswith("no keys from https://issuer/jwks: ")
    issuer.now = MAX_KEY_AGE_SECONDS + 1
    with pytest.raises(KeysUnavailableError):
        await issuer.keys.find("one")


async def test_without_any_key_the_error_is_no_keys_and_not_unknown_key() -> None:
    """Requirement SEC-5: "no keys" is an error of its own, not an invalid token."""
    issuer = Issuer()
    issuer.response = httpx2.ConnectError("away")
    for _ in range(5):
        with pytest.raises(KeysUnavailableError):
            await issuer.keys.find("one")
    assert issuer.fetches == 1


async def test_a_key_set_is_bounded_in_size_and_redirects_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement SEC-5: the response is bounded in size; a redirect could lead anywhere."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/moved":
            return httpx2.Response(302, headers={"location": "https://elsewhere"})
        return httpx2.Response(200, content=b"x" * (identity_keys.MAX_RESPONSE_BYTES + 1))

    client = httpx2.AsyncClient
    monkeypatch.setattr(
        httpx2, "AsyncClient", lambda **options: client(transport=httpx2.MockTransport(answer), **options)
    )
    with pytest.raises(OSError, match="more than 262144 bytes"):
        await identity_keys.fetch_document("https://issuer/large")
    with pytest.raises(httpx2.HTTPStatusError):
        await identity_keys.fetch_document("https://issuer/moved")


async def test_configured_keys_need_no_issuer() -> None:
    """meshed_mcp.contract, ENV_AUTH_ISSUERS: a row may have its keys."""
    keys = IssuerKeys(contract.ENV_AUTH_ISSUERS, static_keys(jwks({"kid": "one"}).decode()))
    assert await keys.find("one")
    assert not await keys.find("other")
