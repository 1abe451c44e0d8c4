"""Who calls: the mesh identity that the own sidecar vouches for, and the subject of a verified token.

In: one HTTP request after the border (middleware.py). Out: a `Caller`. A client's own headers never name it: the
border drops x-forwarded-client-cert unless the connection comes from the sidecar.
Not here: checking tokens (tokens.py), what a caller may do (tool_policy.py).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken, principal_components

PEER_HEADER: Final = "x-forwarded-client-cert"
"""Source: Envoy, "x-forwarded-client-cert"; a sidecar of Istio appends the peer's element (APPEND_FORWARD)."""

ACCESS_KEY: Final = "meshed_mcp.access"
"""Where the border leaves an `Access` in the ASGI scope."""

UNKNOWN: Final = "unknown"
"""How a caller without any identity is called in logs."""

KEPT_ELEMENTS: Final = 256
"""A sidecar writes one element per certificate of a peer, thousands of times over; so many are remembered."""

_SPIFFE: Final = re.compile(r"spiffe://([A-Za-z0-9._/-]+)")
"""Source: SPIFFE-ID, sections 2.1 and 2.2."""

_QUOTE: Final = re.compile(r'(?<!\\)(?:\\\\)*"')
_FIELD: Final = re.compile(r'([A-Za-z]+)=((?:[^";]|"(?:[^"\\]|\\.)*")*)(?:;|$)')


@dataclass(frozen=True)
class Caller:
    """One caller; both identities are there when a user's token comes through a meshed client or gateway."""

    principal: str | None = None
    """Mesh identity, `<trust domain>/ns/<namespace>/sa/<service account>`. Source: Istio, `source.principal`."""

    subject: str | None = None
    """Token's identity, `<issuer>/<subject>`. Source: Istio, `request.auth.principal`."""

    scopes: frozenset[str] = frozenset()
    """Scopes of the token."""

    @property
    def names(self) -> frozenset[str]:
        """Every name a rule may know the caller by."""
        return frozenset(name for name in (self.principal, self.subject) if name is not None)

    def __str__(self) -> str:
        return " for ".join(name for name in (self.principal, self.subject) if name is not None) or UNKNOWN


@dataclass(eq=False)
class Access:
    """What border and guard tell each other about one request."""

    principal: str | None = None
    refused_for: tuple[str, ...] | None = None
    """Set by the guard: the call was refused; the scopes that would have helped, if any would."""


def access_of(request: Any) -> Access:
    """The border's notes on a Starlette request; empty ones without HTTP (stdio) or without a border."""
    found = None if request is None else request.scope.get(ACCESS_KEY)
    return found if isinstance(found, Access) else Access()


def caller_of(request: Any) -> Caller:
    """Who sent a Starlette request, as `ctx.request` of the SDK's middleware and tools gives it."""
    user = None if request is None else request.scope.get("user")
    token = user.access_token if isinstance(user, AuthenticatedUser) else None
    principal = access_of(request).principal
    if token is None:
        return Caller(principal)
    return Caller(principal, token_subject(token), frozenset(token.scopes))


def token_subject(token: AccessToken) -> str:
    """`<issuer>/<subject>`; the client stands for a missing subject."""
    client, issuer, subject = principal_components(token)
    return f"{issuer or ''}/{subject or client}"


def peer_principal(header: str) -> str | None:
    """Mesh identity of the peer that the sidecar itself saw: the last element's one SPIFFE URI, without its scheme.

    Earlier elements are what the peer claims, quotes that it never closes included: the element is found from the end.
    None when there is no such URI, or more than one. Source: Envoy, "x-forwarded-client-cert"; SPIFFE X.509-SVID, 2.
    """
    return _named_by(last_element(header))


@lru_cache(maxsize=KEPT_ELEMENTS)
def _named_by(element: str) -> str | None:
    uris = [value for key, value in _FIELD.findall(element) if key.lower() == "uri"]
    found = _SPIFFE.fullmatch(uris[0]) if len(uris) == 1 else None
    return found[1] if found else None


def last_element(header: str) -> str:
    """What follows the last comma outside quotes, quotes being counted from the end; "" when one stays open."""
    comma = len(header)
    while comma >= 0:
        comma = header.rfind(",", 0, comma)
        element = header[comma + 1 :]
        if len(_QUOTE.findall(element)) % 2 == 0:
            return element.strip()
    return ""
