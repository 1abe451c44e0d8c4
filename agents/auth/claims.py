"""Verified claims of a token as the access token that the SDK and the runtime use; nothing here verifies anything."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mcp.server.auth.provider import AccessToken

from meshed_mcp.contract.token_issuers import TokenIssuer, claim_value

CLIENT_CLAIMS: Final = ("client_id", "azp", "cid", "appid")
"""Claims with the OAuth client. Source: RFC 9068, section 2.2 (`client_id`); OpenID Connect Core 1.0, section 2
(`azp`); Okta (`cid`); Microsoft Entra ID, v1 tokens (`appid`)."""

MAX_ACTORS: Final = 8
"""Most actors of a chain that are kept, the current one first: RFC 8693, section 4.1, makes earlier ones information
alone."""


class VerifiedToken(AccessToken):
    """A verified token, with the claims that its issuer's row names."""

    issuer: str
    organization: str | None = None
    actors: tuple[str, ...] = ()
    """Actor chain as `<issuer>/<subject>`, the current actor first."""


def verified_token(token: str, claims: dict[str, Any], row: TokenIssuer, resource: str) -> VerifiedToken:
    """Return the access token of verified claims. The claim of the subject must be there."""
    subject = str(claim_value(claims, row.claims.subject))
    return VerifiedToken(
        token=token,
        client_id=next((value for name in CLIENT_CLAIMS if (value := text_claim(claims.get(name)))), subject),
        scopes=list(dict.fromkeys(name for path in row.claims.scopes for name in _words(claim_value(claims, path)))),
        expires_at=int(claims["exp"]),
        resource=resource,
        subject=subject,
        claims=claims,
        issuer=row.issuer,
        organization=organization_name(claim_value(claims, row.claims.organization)),
        actors=tuple(actor_chain(claims, row.issuer)),
    )


def actor_chain(claims: Mapping[str, Any], issuer: str) -> Iterator[str]:
    """Yield the actors of the claim `act`, up to MAX_ACTORS; an actor without `iss` is one of the token's issuer.

    The chain ends at the first actor without a subject: who acted there is not known. Source: RFC 8693, section 4.1.
    """
    actor = claims.get("act")
    for _ in range(MAX_ACTORS):
        if not isinstance(actor, Mapping) or (subject := text_claim(actor.get("sub"))) is None:
            return
        yield f"{text_claim(actor.get('iss')) or issuer}/{subject}"
        actor = actor.get("act")


def organization_name(value: Any) -> str | None:
    """Return the organization of a claim; None if the claim names none, or several.

    It is a text, a list with one text, or an object with one member that is an object. Source of the last two: Keycloak
    26, Server Administration Guide, "Mapping organization claims".
    """
    if isinstance(value, list) and len(value) == 1:
        return text_claim(value[0])
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(next(iter(value.values())), Mapping):
        return text_claim(next(iter(value)))
    return text_claim(value)


def text_claim(value: Any) -> str | None:
    """Return the value of a claim that is a text; None for another type and an empty text."""
    return value if isinstance(value, str) and value else None


def _words(value: Any) -> list[str]:
    """Return scopes, roles or groups: a text separated by spaces, or a list of texts."""
    if isinstance(value, str):
        return value.split()
    return [word for word in value if isinstance(word, str) and word] if isinstance(value, list) else []
