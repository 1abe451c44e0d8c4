"""Discovery of an issuer's keys from its metadata document, which must name the issuer."""

import json
import logging
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx2

from meshed_mcp.agents.auth.jwks import Fetch, fetch_document

REDISCOVER_AFTER_SECONDS: Final = 3600.0
"""Age at which the metadata is read again. An issuer that moves its keys serves both places for longer than that."""

OPENID_CONFIGURATION: Final = "/.well-known/openid-configuration"
"""Source: OpenID Connect Discovery 1.0, section 4: appended to the issuer."""

OAUTH_AUTHORIZATION_SERVER: Final = "/.well-known/oauth-authorization-server"
"""Source: RFC 8414, section 3: inserted between host and path of the issuer."""

logger = logging.getLogger(__name__)


class DiscoveryError(Exception):
    """No metadata document of the issuer names its keys."""


class DiscoveredKeys:
    """Replacement for `fetch_document` that takes the issuer and returns its JWK Set.

    The URL of the keys is remembered for REDISCOVER_AFTER_SECONDS, and forgotten when it does not respond.
    """

    def __init__(self, fetch: Fetch = fetch_document, clock: Callable[[], float] = monotonic) -> None:
        self._fetch, self._clock = fetch, clock
        self._url: str | None = None
        self._discovered_at = float("-inf")

    async def __call__(self, issuer: str) -> bytes:
        """Return the keys of `issuer`. Raises DiscoveryError, or what the fetch of the keys raises."""
        if self._url is None or self._clock() - self._discovered_at > REDISCOVER_AFTER_SECONDS:
            self._url = await self._discover(issuer)
            self._discovered_at = self._clock()
        url, self._url = self._url, None
        keys = await self._fetch(url)
        self._url = url
        return keys

    async def _discover(self, issuer: str) -> str:
        errors = []
        for url in metadata_urls(issuer):
            try:
                return keys_url(json.loads(await self._fetch(url)), issuer)
            except (OSError, ValueError, RecursionError, httpx2.HTTPError, httpx2.InvalidURL) as error:
                errors.append(f"{url}: {type(error).__name__} {error}")
        raise DiscoveryError("; ".join(errors))


def metadata_urls(issuer: str) -> Iterator[str]:
    """Yield the places of an issuer's metadata, most common first.

    The first is where Istio looks. Source: OpenID Connect Discovery 1.0, section 4; RFC 8414, sections 3.1 and 5.
    """
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    suffixes = [path + OPENID_CONFIGURATION, OAUTH_AUTHORIZATION_SERVER + path, OPENID_CONFIGURATION + path]
    for found in dict.fromkeys(suffixes):
        yield urlunsplit((parts.scheme, parts.netloc, found, "", ""))


def keys_url(document: Any, issuer: str) -> str:
    """Return `jwks_uri` of a metadata document. Raises ValueError if it is none of this issuer.

    Source: OpenID Connect Discovery 1.0, section 4.3, and RFC 8414, section 3.3: the issuers are identical. Without
    that check, a document of another tenant on the same host would choose the keys.
    """
    if not isinstance(document, dict):
        raise ValueError("is no JSON object")  # noqa: TRY004 - the issuer sent it
    if document.get("issuer") != issuer:
        raise ValueError(f"is of the issuer {document.get('issuer')!r:.200}, not {issuer!r}")
    url = document.get("jwks_uri")
    schemes = ("https",) if issuer.startswith("https:") else ("https", "http")
    if not isinstance(url, str) or urlsplit(url).scheme not in schemes or not urlsplit(url).hostname:
        raise ValueError(f"jwks_uri is {url!r:.200}, which is no {' or '.join(schemes)} URL")
    return url
