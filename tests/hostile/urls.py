"""Hostile requests whose URL, Host or Origin tries to pass for another."""

from typing import Final

from tests.hostile.requests import HostileRequest, http, modern, operations, rejected, responded

ATTACKER: Final = "https://attacker.example"
ASKED: Final = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
PREFLIGHT: Final = "OPTIONS {path} HTTP/1.1"
FETCH: Final = 'WHATWG Fetch, "CORS-preflight fetch"'
REBINDING: Final = 'MCP 2026-07-28, Streamable HTTP, "Security Warning"'

URLS: Final = (
    HostileRequest(
        "forwarded headers of a client",
        modern(
            headers={
                "X-Forwarded-Host": "attacker.example",
                "X-Forwarded-Proto": "gopher",
                "X-Forwarded-Prefix": "/attacker",
                "Forwarded": "host=attacker.example",
                "X-Original-URL": "/metrics",
            }
        ),
        200,
        "RFC 7239, section 8.1: a client can send them; the call is served as without them",
        operations(""),
    ),
    HostileRequest(
        "a Host with a user in front of another host",
        modern(headers={"Host": "localhost:80@attacker.example"}),
        421,
        "RFC 3986, section 3.2.1: the host is attacker.example",
        rejected("host"),
        mesh=False,
    ),
    HostileRequest(
        "a Host whose port is no number",
        modern(headers={"Host": "localhost:attacker"}),
        421,
        "RFC 3986, section 3.2.3",
        rejected("host"),
        mesh=False,
    ),
    HostileRequest(
        "a slash after the path of the endpoint",
        modern().replace(b"POST {path} ", b"POST {path}/ ", 1),
        200,
        "RFC 9110, section 15.4.2: served like the path, as a redirect could lose the body",
        operations(""),
    ),
    HostileRequest(
        "an Origin with a user in front of another host",
        modern(headers={"Origin": "http://localhost:6274@attacker.example"}),
        403,
        REBINDING,
        rejected("auth"),
    ),
    HostileRequest(
        "an Origin below an allowed one",
        modern(headers={"Origin": "http://localhost.attacker.example:6274"}),
        403,
        REBINDING,
        rejected("auth"),
    ),
    HostileRequest(
        "an Origin with the allowed host and another scheme",
        modern(headers={"Origin": "ftp://localhost:6274"}),
        403,
        REBINDING,
        rejected("auth"),
    ),
    HostileRequest(
        "a preflight of a foreign Origin",
        http(b"", {"Origin": ATTACKER, **ASKED}, line=PREFLIGHT),
        200,
        f"{FETCH}: the response allows nothing, and reaches no tool",
        responded(200),
        mesh=False,
    ),
    HostileRequest(
        "a preflight of the Origin null",
        http(b"", {"Origin": "null", **ASKED}, line=PREFLIGHT),
        200,
        f"{FETCH}: the response allows nothing, and reaches no tool",
        responded(200),
        mesh=False,
    ),
    HostileRequest(
        "a call that a page disguises as a form",
        modern(headers={"Origin": ATTACKER, "Content-Type": "text/plain"}),
        403,
        "WHATWG Fetch, CORS-safelisted Content-Type: such a request has no preflight",
        rejected("auth"),
    ),
)
