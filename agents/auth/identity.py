"""Caller identity: the SPIFFE ID that the pod's sidecar verified, and the subject of a verified token.

A client cannot set its own identity: the identity middleware (middleware.py) drops x-forwarded-client-cert unless the
connection comes from the sidecar.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken, principal_components

from meshed_mcp.agents.auth.claims import VerifiedToken, organization_name
from meshed_mcp.contract.token_issuers import ORGANIZATION_CLAIM, claim_value

PEER_HEADER: Final = "x-forwarded-client-cert"
"""Source: Envoy, "x-forwarded-client-cert"; an Istio sidecar appends the peer's element (APPEND_FORWARD)."""

ACCESS_KEY: Final = "meshed_mcp.access"  # key of the `Access` in the ASGI scope
UNKNOWN: Final = "unknown"  # name of a caller without an identity in logs
CACHED_ELEMENTS: Final = 256
"""Size of the cache of parsed elements: a sidecar repeats the element of a certificate on every request."""

_SPIFFE: Final = re.compile(r"spiffe://([A-Za-z0-9._/-]+)")  # Source: SPIFFE-ID, sections 2.1 and 2.2
_QUOTE: Final = re.compile(r'(?<!\\)(?:\\\\)*"')
_FIELD: Final = re.compile(r'([A-Za-z]+)=((?:[^";]|"(?:[^"\\]|\\.)*")*)(?:;|$)')


@dataclass(frozen=True)
class Caller:
    """A caller. It has both identities when a meshed client or gateway forwards a user's token."""

    principal: str | None = None
    """SPIFFE ID without scheme, `<trust domain>/ns/<namespace>/sa/<account>`. Source: Istio, `source.principal`."""

    subject: str | None = None
    """Token identity, `<issuer>/<subject>`. Source: Istio, `request.auth.principal`."""

    scopes: frozenset[str] = frozenset()
    """Scopes of the token, and its roles and groups if the issuer's row names their claims."""

    organization: str | None = None
    """Organization of the token."""

    actors: tuple[str, ...] = ()
    """Services that act for the subject, as `<issuer>/<subject>`, the current one first. Source: RFC 8693, section 4.1.
    """

    @property
    def names(self) -> frozenset[str]:
        """Every name that a tool rule can allow the caller by."""
        return frozenset(name for name in (self.principal, self.subject) if name is not None)

    def __str__(self) -> str:
        return " for ".join(name for name in (self.principal, self.subject) if name is not None) or UNKNOWN


@dataclass(eq=False)
class Access:
    """State of one request that the identity and tool policy middleware share."""

    principal: str | None = None
    missing_scopes: tuple[str, ...] | None = None
    """Set when the tool policy denies the call: the scopes that would allow it, empty if none would."""


def access_of(request: Any) -> Access:
    """Return the request's `Access`; an empty one over stdio or without the identity middleware."""
    found = None if request is None else request.scope.get(ACCESS_KEY)
    return found if isinstance(found, Access) else Access()


def caller_of(request: Any) -> Caller:
    """Return the caller of a Starlette request, such as `ctx.request` in SDK middleware and tools."""
    user = None if request is None else request.scope.get("user")
    token = user.access_token if isinstance(user, AuthenticatedUser) else None
    principal = access_of(request).principal
    if token is None:
        return Caller(principal)
    actors = token.actors if isinstance(token, VerifiedToken) else ()
    return Caller(principal, token_subject(token), frozenset(token.scopes), token_organization(token), actors)


def token_subject(token: AccessToken) -> str:
    """Return `<issuer>/<subject>`; the client ID replaces a missing subject."""
    client, issuer, subject = principal_components(token)
    return f"{issuer or ''}/{subject or client}"


def token_organization(token: AccessToken) -> str | None:
    """Return the organization of a token; by the default claim if the service verifies its tokens itself."""
    if isinstance(token, VerifiedToken):
        return token.organization
    return organization_name(claim_value(token.claims or {}, ORGANIZATION_CLAIM))


def peer_principal(header: str) -> str | None:
    """Return the SPIFFE ID in the last element of x-forwarded-client-cert, without its scheme.

    The sidecar appends the last element. The peer controls the earlier ones, including unclosed quotes, so parsing
    starts at the end. None unless there is exactly one SPIFFE URI. Source: as above; SPIFFE X.509-SVID, section 2.
    """
    return _spiffe_id(last_element(header))


@lru_cache(maxsize=CACHED_ELEMENTS)
def _spiffe_id(element: str) -> str | None:
    uris = [value for key, value in _FIELD.findall(element) if key.lower() == "uri"]
    found = _SPIFFE.fullmatch(uris[0]) if len(uris) == 1 else None
    return found[1] if found else None


def last_element(header: str) -> str:
    """Return the text after the last comma outside quotes, counted from the end; "" if a quote stays open."""
    comma = len(header)
    while comma >= 0:
        comma = header.rfind(",", 0, comma)
        element = header[comma + 1 :]
        if len(_QUOTE.findall(element)) % 2 == 0:
            return element.strip()
    return ""
