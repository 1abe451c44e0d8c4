"""States that travel through the browser of a user, sealed: who may do which step, and until when."""

import secrets
import time
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

STATE_SECONDS: Final = 600.0
"""Lifetime of each step. Source: RFC 6749, section 4.1.2: a code should live ten minutes at most."""

STEPS: Final = 4
"""Steps that follow each other: link, login, form, grant."""

ID_BYTES: Final = 32


def random_text() -> str:
    """Return a text that cannot be guessed, for ids, nonces and PKCE verifiers. Source: RFC 7636, section 4.1."""
    return secrets.token_urlsafe(ID_BYTES)


class _State(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default_factory=random_text)
    expires_at: float = Field(default_factory=lambda: time.time() + STATE_SECONDS)
    """Unix seconds."""


class Link(_State):
    """The URL that a user gets: `subject` may give the credential of `provider`, once."""

    kind: Literal["link"] = "link"
    subject: str
    """Token identity, `<issuer>/<subject>`; empty on the page of one's own connections, before the login."""

    provider: str
    """Name; empty on the page of one's own connections."""


class _Step(_State):
    link: Link
    browser: str
    """Value of the cookie of the browser."""


class Login(_Step):
    """A login at the issuer, on the way to a form."""

    kind: Literal["login"] = "login"
    nonce: str = Field(default_factory=random_text, repr=False)
    verifier: str = Field(default_factory=random_text, repr=False)


class Form(_Step):
    """A form that the logged-in user of the link may submit."""

    kind: Literal["form"] = "form"


class Grant(_Step):
    """Consent at the authorization server of the provider."""

    kind: Literal["grant"] = "grant"
    verifier: str = Field(default_factory=random_text, repr=False)
