"""Authorization code grant of the test server: consent pages, codes with PKCE, refresh tokens, revocation, ID tokens.

A person is the cookie `person` of a browser, and consents at once. Source: RFC 6749; RFC 7636; RFC 7009; OpenID Connect
Core 1.0.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

COOKIE = "person"


@dataclass
class CodeGrants:
    """Codes and tokens of one server."""

    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    access: dict[str, str] = field(default_factory=dict)
    """Access token -> person."""

    refresh: dict[str, str] = field(default_factory=dict)
    """Refresh token -> person; each works once."""

    revoked: list[str] = field(default_factory=list)
    lifetime_seconds: int | None = None
    """`expires_in` of access tokens; None = none, and no refresh token."""

    denies: bool = False
    claims: dict[str, Any] = field(default_factory=dict)
    """Changes of ID tokens."""

    def authorize(self, path: str, cookie: str) -> str | None:
        """Where the page redirects a person; None for a browser that is not logged in."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        person = dict(part.strip().split("=", 1) for part in cookie.split(";") if "=" in part).get(COOKIE)
        if person is None or query["code_challenge_method"] != "S256":
            return None
        code = secrets.token_urlsafe()
        self.codes[code] = {**query, "person": person}
        found = {"error": "access_denied"} if self.denies else {"code": code}
        return f"{query['redirect_uri']}?{urlencode({**found, 'state': query['state']})}"

    def exchange(self, form: dict[str, str], client: str) -> dict[str, str] | None:
        """The request behind a code, which works once; None for an invalid one."""
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        expected = {"client_id": client, "redirect_uri": form.get("redirect_uri"), "code_challenge": challenge}
        is_valid = asked is not None and all(asked[name] == value for name, value in expected.items())
        return asked if is_valid else None

    def issue(self, person: str) -> dict[str, Any]:
        """Tokens for a person."""
        token = f"upstream-{secrets.token_urlsafe()}"
        self.access[token] = person
        found: dict[str, Any] = {"access_token": token, "token_type": "bearer"}
        if self.lifetime_seconds is not None:
            refresh = f"refresh-{secrets.token_urlsafe()}"
            self.refresh[refresh] = person
            found |= {"expires_in": self.lifetime_seconds, "refresh_token": refresh}
        return found
