"""Pages of the service for the browser of a user: short HTML without scripts, never cached, never in a frame."""

import base64
import hashlib
from html import escape
from typing import Final

from starlette.responses import HTMLResponse, RedirectResponse, Response

STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}"
    "input,button{font:inherit;padding:.4rem .8rem}input[type=password]{width:100%;box-sizing:border-box}"
    "li{margin:.6rem 0}form{display:inline}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def headers(form_target: str = "") -> dict[str, str]:
    """Headers of a page; `form_target` has the origins to which responses to its forms redirect.

    `same-origin` keeps states out of the Referer of other sites, and the Origin of the form's own request. Source: W3C,
    "Content Security Policy Level 3", `form-action`, also checked for redirects; "Referrer Policy".
    """
    actions = " ".join(part for part in ("'self'", form_target) if part)
    policy = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {actions}; frame-ancestors 'none'"
    return {
        "cache-control": "no-store",
        "content-security-policy": f"{policy}; base-uri 'none'",
        "referrer-policy": "same-origin",
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
    }


def page(title: str, body: str, status: int = 200, form_target: str = "") -> Response:
    """Page with a heading; `body` is HTML."""
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<h1>{escape(title)}</h1>{body}"
    )
    return HTMLResponse(text, status, headers(form_target))


def notice(title: str, text: str, status: int = 200) -> Response:
    """Page with one paragraph."""
    return page(title, f"<p>{escape(text)}</p>", status)


def redirect(url: str) -> Response:
    """Redirect by GET. Source: RFC 9110, section 15.4.4: 303 also after a POST."""
    return RedirectResponse(url, 303, {key: value for key, value in headers().items() if key != "content-type"})


def form(action: str, state: str, button: str, fields: str = "") -> str:
    """HTML of a form with a hidden state and one button; `fields` is HTML."""
    return (
        f'<form method="post" action="{escape(action)}"><input type="hidden" name="state" value="{escape(state)}">'
        f"{fields}<p><button>{escape(button)}</button></p></form>"
    )


def text_field(label: str) -> str:
    """HTML of the field for a key, which browsers neither show nor keep."""
    return (
        f'<p><label>{escape(label)}<br><input type="password" name="value" autocomplete="off" required '
        'maxlength="8192"></label></p>'
    )
