"""Discovery of an issuer's keys: where the metadata is, what it must say, and how often it is read."""

import contextlib
import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.agents.auth.discovery import (
    REDISCOVER_AFTER_SECONDS,
    DiscoveredKeys,
    DiscoveryError,
    keys_url,
    metadata_urls,
)

pytestmark = pytest.mark.anyio

ISSUER = "https://login.example.com/realms/tools"
KEYS = "https://keys.example.com/tools"
METADATA = "https://login.example.com/realms/tools/.well-known/openid-configuration"
RFC_8414 = "https://login.example.com/.well-known/oauth-authorization-server/realms/tools"
DOCUMENT = {"issuer": ISSUER, "jwks_uri": KEYS}


class Web:
    """Documents by URL, and which were fetched; another URL is not found."""

    def __init__(self) -> None:
        self.now = 0.0
        self.documents: dict[str, Any] = {}
        self.fetched: list[str] = []
        self.keys = DiscoveredKeys(self.fetch, lambda: self.now)

    async def fetch(self, url: str) -> bytes:
        """Return the document, or raise it."""
        self.fetched.append(url)
        found = self.documents.get(url, httpx2.ConnectError("not found"))
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, bytes) else json.dumps(found).encode()


@pytest.mark.parametrize(
    ("issuer", "urls"),
    [
        (ISSUER, [METADATA, RFC_8414, "https://login.example.com/.well-known/openid-configuration/realms/tools"]),
        (
            "https://acme.eu.auth0.com/",
            [
                "https://acme.eu.auth0.com/.well-known/openid-configuration",
                "https://acme.eu.auth0.com/.well-known/oauth-authorization-server",
            ],
        ),
        (
            "https://accounts.google.com",
            [
                "https://accounts.google.com/.well-known/openid-configuration",
                "https://accounts.google.com/.well-known/oauth-authorization-server",
            ],
        ),
    ],
)
def test_metadata_is_looked_for_where_issuers_publish_it(issuer: str, urls: list[str]) -> None:
    """OpenID Connect Discovery 1.0, section 4: appended, without the slash; RFC 8414, section 3.1: inserted."""
    assert list(metadata_urls(issuer)) == urls


async def test_the_keys_are_those_that_the_metadata_names() -> None:
    """OpenID Connect Discovery 1.0, section 3: `jwks_uri`, on any host."""
    web = Web()
    web.documents = {METADATA: DOCUMENT, KEYS: b"keys"}
    assert await web.keys(ISSUER) == b"keys"
    assert web.fetched == [METADATA, KEYS]


async def test_the_metadata_of_rfc_8414_is_read_without_that_of_openid_connect() -> None:
    """RFC 8414, section 3: an authorization server need not be an OpenID provider."""
    web = Web()
    web.documents = {RFC_8414: DOCUMENT, KEYS: b"keys"}
    assert await web.keys(ISSUER) == b"keys"
    assert web.fetched == [METADATA, RFC_8414, KEYS]


async def test_metadata_is_read_once_an_hour_and_again_when_the_keys_are_gone() -> None:
    """Requirement TOK-2: a refresh of the keys is one request; an issuer may move its keys."""
    web = Web()
    web.documents = {METADATA: DOCUMENT, KEYS: b"keys"}
    for web.now in (0, 300, REDISCOVER_AFTER_SECONDS):
        await web.keys(ISSUER)
    assert web.fetched == [METADATA, KEYS, KEYS, KEYS]
    web.now += 1
    await web.keys(ISSUER)
    assert web.fetched[4:] == [METADATA, KEYS]
    web.documents = {METADATA: DOCUMENT | {"jwks_uri": KEYS + "2"}, KEYS + "2": b"moved"}
    with pytest.raises(httpx2.ConnectError):
        await web.keys(ISSUER)
    assert await web.keys(ISSUER) == b"moved"


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (DOCUMENT | {"issuer": "https://login.example.com/realms/other"}, "is of the issuer"),
        (DOCUMENT | {"issuer": ISSUER + "/"}, "is of the issuer"),
        (DOCUMENT | {"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}, "is of the issuer"),
        ({"jwks_uri": KEYS}, "is of the issuer None"),
        ({"issuer": ISSUER}, "jwks_uri is None"),
        (DOCUMENT | {"jwks_uri": "http://keys.example.com"}, "which is no https URL"),
        (DOCUMENT | {"jwks_uri": "file:///etc/passwd"}, "which is no https URL"),
        (DOCUMENT | {"jwks_uri": ["x" * 10_000]}, "which is no https URL"),
        ([], "is no JSON object"),
        (b"<html>", "JSONDecodeError"),
        (b"[" * 100_000, "RecursionError"),
        (OSError("more than 262144 bytes"), "more than 262144 bytes"),
    ],
)
async def test_metadata_of_another_issuer_or_without_keys_is_not_used(document: Any, text: str) -> None:
    """Requirement TOK-3; OpenID Connect Discovery 1.0, section 4.3; RFC 8414, section 3.3: identical issuers."""
    web = Web()
    web.documents = {METADATA: document, KEYS: b"keys"}
    with pytest.raises(DiscoveryError, match=text) as raised:
        await web.keys(ISSUER)
    assert KEYS not in web.fetched
    assert len(str(raised.value)) < 2000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
)


@pytest.mark.property
@given(document=JSON | st.fixed_dictionaries({"issuer": JSON | st.just(ISSUER), "jwks_uri": JSON}))
def test_no_metadata_document_ends_in_another_error(document: Any) -> None:
    """Requirement CFG-4: every document is a URL or a ValueError."""
    with contextlib.suppress(ValueError):
        assert keys_url(document, ISSUER).startswith("https://")
