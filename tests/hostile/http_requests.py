"""Hostile requests, first list: wrong as HTTP, before anybody reads JSON-RPC."""

from typing import Final

from meshed_mcp import contract
from tests.hostile.requests import (
    LEGACY,
    MODERN,
    Counter,
    Hostile,
    Then,
    answered,
    http,
    message,
    modern,
    operations,
    rejected,
)

MIB: Final = 2**20
IN_CHUNKS: Final = {"Content-Length": None, "Transfer-Encoding": "chunked"}
STREAMABLE: Final = "MCP 2026-07-28, Streamable HTTP, "
PARSER: Final = "RFC 6585, section 5: 431. uvicorn has one answer for all that its parser refuses"
AS_WRITTEN: Final = rejected("params")
"""The body `{}` of a request whose head was accepted lacks its `_meta`."""


def in_chunks(request: bytes, trailers: bytes = b"") -> bytes:
    """The same request with its body in one chunk, and fields behind it."""
    head, _, body = request.partition(b"\r\n\r\n")
    head = head.replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked")
    return b"%b\r\n\r\n%x\r\n%b\r\n0\r\n%b\r\n" % (head, len(body), body, trailers)


CONNECTIONS: Final = (
    Hostile("no HTTP", b"hello\r\n\r\n", 400, "RFC 9112, section 3", None, mesh=False),
    Hostile("a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\n\r\n", 400, "RFC 9112, section 3", None, mesh=False),
    Hostile(
        "the preface of HTTP/2",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        421,
        "RFC 9112, section 2.3: another major version",
        rejected("host"),
        mesh=False,
        parser="a request without Host, whose version is not checked",
    ),
    Hostile(
        "a head that does not end",
        b"POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Slow:",
        None,
        "RFC 9110, section 15.5.9",
        None,
        mesh=False,
        parser="no limit of time for a head; proxies have one",
    ),
    Hostile(
        "a body that does not end",
        http(b"{", {"Content-Length": "100"}),
        408,
        "RFC 9110, section 15.5.9",
        rejected("slow"),
    ),
    Hostile(
        "chunks that do not end", http(b"2\r\n{}\r\n", IN_CHUNKS), 408, "RFC 9110, section 15.5.9", rejected("slow")
    ),
    Hostile("garbage for a chunk", http(b"zz\r\n{}\r\n", IN_CHUNKS), 400, "RFC 9112, section 7.1", None, mesh=False),
    Hostile(
        "garbage after a refusal",
        http(b"zz\r\n", {**IN_CHUNKS, "Host": "attacker.example"}),
        400,
        "RFC 9112, section 7.1",
        None,
        mesh=False,
        log_lines=2,
        traceback=True,
        parser="400 in place of the answer to the request before it, and a traceback",
    ),
    Hostile(
        "a client that vanishes in its body",
        http(b"{", {"Content-Length": "100"}),
        None,
        STREAMABLE + '"Cancellation"',
        answered(None),
        then=Then.LEAVE,
        mesh=False,
    ),
    Hostile(
        "a client that vanishes in its call",
        modern(params={"name": "wait_forever", "arguments": {}}),
        None,
        STREAMABLE + '"Cancellation": closing is cancelling',
        operations("cancelled"),
        then=Then.LEAVE_WORK,
    ),
    Hostile(
        "two requests in one",
        modern() + modern(),
        200,
        "RFC 9112, section 9.3.2",
        operations(""),
    ),
)

FRAMES: Final = (
    Hostile(
        "two lengths",
        http(b"{}", {"Content-Length": "2\r\nContent-Length: 3"}),
        400,
        "RFC 9112, section 6.3",
        None,
        mesh=False,
    ),
    Hostile(
        "a length beside chunks",
        http(b"0\r\n\r\n", {"Content-Length": "5", "Transfer-Encoding": "chunked"}),
        400,
        "RFC 9112, section 6.3: to be handled as an error",
        rejected("malformed"),
        mesh=False,
        code=-32700,
        parser="chunks count, the length is ignored",
    ),
    Hostile(
        "two codings",
        http(b"0\r\n\r\n", {"Content-Length": None, "Transfer-Encoding": "gzip, chunked"}),
        400,
        "RFC 9112, section 6.1",
        None,
        mesh=False,
    ),
    Hostile(
        "a space before a colon",
        http(b"{}", {"Host": None, "Host ": "{host}"}),
        400,
        "RFC 9112, section 5.1",
        None,
        mesh=False,
    ),
    Hostile(
        "a folded header",
        http(b"{}", {"X-Long": "a\r\n b"}),
        400,
        "RFC 9112, section 5.2",
        AS_WRITTEN,
        mesh=False,
        code=-32602,
        parser="the lines are joined",
    ),
    Hostile(
        "bare line feeds",
        http(b"{}").replace(b"\r\n", b"\n"),
        400,
        "RFC 9112, section 2.2",
        AS_WRITTEN,
        mesh=False,
        code=-32602,
        parser="taken as ends of lines",
    ),
    Hostile(
        "HTTP/2 in one line",
        http(b"{}", line="POST {path} HTTP/2.0"),
        400,
        "RFC 9112, section 2.3",
        AS_WRITTEN,
        mesh=False,
        code=-32602,
        parser="the version is not checked",
    ),
    Hostile(
        "a wish for HTTP/2",
        modern(headers={"Connection": "Upgrade", "Upgrade": "h2c"}),
        200,
        "RFC 9110, section 7.8: a server may ignore it, and must not lose the body",
        operations(""),
        mesh=False,
        log_lines=2,
    ),
    Hostile(
        "a caller in a trailer",
        in_chunks(modern(), b"X-Forwarded-Client-Cert: URI=spiffe://cluster.local/ns/mcp-system/sa/mcp-controller\r\n"),
        200,
        "RFC 9110, section 6.5.1: a trailer is no header field",
        operations(""),
    ),
    Hostile("a negative length", http(b"{}", {"Content-Length": "-1"}), 400, "RFC 9112, section 6.3", None, mesh=False),
    Hostile(
        "an endless length",
        http(b"", {"Content-Length": "9" * 30}),
        400,
        "RFC 9112, section 6.3",
        None,
        mesh=False,
    ),
    Hostile(
        "a body of 5 MiB",
        modern(params={"name": "echo", "arguments": {"text": "a" * 5 * MIB}}),
        413,
        "RFC 9110, section 15.5.14",
        rejected("size"),
    ),
    Hostile(
        "5 MiB in chunks",
        http(b"%x\r\n%b\r\n0\r\n\r\n" % (5 * MIB, b"a" * 5 * MIB), IN_CHUNKS),
        413,
        "RFC 9110, section 15.5.14",
        rejected("size"),
    ),
    Hostile(
        "a header above 64 KiB",
        b"POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Huge: " + b"a" * 64 * 1024,
        400,
        "RFC 9110, section 15.5.1",
        None,
        mesh=False,
        divergence=PARSER,
    ),
    Hostile("a NUL in a header", http(b"{}", {"X-Nul": "a\0b"}), 400, "RFC 9110, section 5.5", None, mesh=False),
    Hostile(
        "HTTP/1.0",
        modern().replace(b"HTTP/1.1", b"HTTP/1.0", 1),
        200,
        "RFC 9112, section 2.3",
        operations(""),
        mesh=False,
    ),
)

HEADERS: Final = (
    Hostile(
        "a forged client certificate",
        modern(headers={"X-Forwarded-Client-Cert": "URI=spiffe://cluster.local/ns/mcp-system/sa/mcp-controller"}),
        200,
        "Envoy, x-forwarded-client-cert: whoever is not the sidecar names nobody; the call is anybody's",
        Counter(contract.METRIC_AUTHENTICATIONS, 'result="forged"'),
        mesh=False,
    ),
    Hostile("no Host", http(b"{}", {"Host": None}), 400, "RFC 9112, section 3.2", None, mesh=False),
    Hostile(
        "two Hosts",
        http(b"{}", {"Host": "{host}\r\nHost: attacker.example"}),
        400,
        "RFC 9112, section 3.2",
        None,
        mesh=False,
    ),
    Hostile(
        "a foreign Host",
        modern(headers={"Host": "attacker.example"}),
        421,
        "RFC 9110, section 15.5.20",
        rejected("host"),
        mesh=False,
    ),
    Hostile(
        "a foreign Origin",
        modern(headers={"Origin": "https://attacker.example"}),
        403,
        STREAMABLE + '"Security & Endpoint"',
        rejected("auth"),
    ),
    Hostile(
        "no Origin that could be ours",
        modern(headers={"Origin": "null"}),
        403,
        STREAMABLE + '"Security & Endpoint"',
        rejected("auth"),
    ),
    Hostile("no Accept", modern(headers={"Accept": None}), 406, "RFC 9110, section 15.5.7", rejected("media")),
    Hostile(
        "an Accept without event streams",
        modern(headers={"Accept": "application/json"}),
        406,
        "RFC 9110, section 15.5.7",
        rejected("media"),
    ),
    Hostile(
        "an Accept of nothing known",
        modern(headers={"Accept": ";;;,q=,"}),
        406,
        "RFC 9110, section 15.5.7",
        rejected("media"),
    ),
    Hostile(
        "a body of another type",
        modern(headers={"Content-Type": "text/plain"}),
        400,
        "RFC 9110, section 15.5.1",
        answered(400),
        divergence="RFC 9110, section 15.5.16: 415. The SDK answers 400 before it looks further",
    ),
    Hostile(
        "a body without a type",
        modern(headers={"Content-Type": None}),
        400,
        "RFC 9110, section 15.5.1",
        answered(400),
        divergence="RFC 9110, section 15.5.16: 415. The SDK answers 400 before it looks further",
    ),
    Hostile(
        "forged traces",
        modern(headers={"traceparent": "00-zz-zz-zz", "tracestate": "=" * 600, "baggage": "%%%="}),
        200,
        "W3C Trace Context, section 2.3: an invalid traceparent is as none",
        operations(""),
    ),
    Hostile(
        "an upgrade to another protocol",
        http(
            b"", {"MCP-Protocol-Version": MODERN, "Connection": "Upgrade", "Upgrade": "h2c"}, line="GET {path} HTTP/1.1"
        ),
        405,
        "RFC 9110, section 7.8: it may be ignored",
        answered(405),
        mesh=False,
        log_lines=2,
    ),
)

PATHS_AND_METHODS: Final = (
    Hostile(
        "a method nobody has",
        http(b"{}", line="BREW {path} HTTP/1.1"),
        405,
        "RFC 9110, section 15.5.6",
        answered(405),
        mesh=False,
        divergence="RFC 9110, section 9.1: 501. The SDK answers every method but its own with 405",
        code=-32600,
    ),
    Hostile(
        "PUT",
        http(b"{}", {"MCP-Protocol-Version": MODERN}, line="PUT {path} HTTP/1.1"),
        405,
        "RFC 9110, section 15.5.6",
        answered(405),
        mesh=False,
    ),
    Hostile(
        "GET of a stateless revision",
        http(b"", {"MCP-Protocol-Version": MODERN}, line="GET {path} HTTP/1.1"),
        405,
        STREAMABLE + '"Backward Compatibility"',
        answered(405),
    ),
    Hostile(
        "DELETE of a stateless revision",
        http(b"", {"MCP-Protocol-Version": MODERN}, line="DELETE {path} HTTP/1.1"),
        405,
        STREAMABLE + '"Backward Compatibility"',
        answered(405),
    ),
    Hostile(
        "CONNECT",
        http(b"", line="CONNECT 127.0.0.1:22 HTTP/1.1"),
        404,
        "RFC 9110, section 9.3.6: a method of proxies",
        answered(404),
        mesh=False,
    ),
    Hostile(
        "a whole URL of another host",
        modern().replace(b"POST {path}", b"POST http://attacker.example{path}", 1),
        404,
        "RFC 9112, section 3.2.2: the host of the target counts, not the field; a path of that name is not here",
        answered(404),
        mesh=False,
    ),
    Hostile(
        "dots in the path",
        http(b"{}", line="POST {path}/../../etc/passwd HTTP/1.1"),
        404,
        "RFC 9110, section 15.5.5",
        answered(404),
        mesh=False,
    ),
    Hostile(
        "encoded dots in the path",
        http(b"{}", line="POST {path}/%2e%2e/metrics HTTP/1.1"),
        404,
        "RFC 9110, section 15.5.5",
        answered(404),
        mesh=False,
    ),
    Hostile(
        "two slashes",
        http(b"{}", line="POST /{path} HTTP/1.1"),
        404,
        "RFC 9110, section 15.5.5",
        answered(404),
        mesh=False,
    ),
    Hostile(
        "a path that is no text",
        http(b"{}", line="POST /%ff%fe HTTP/1.1"),
        404,
        "RFC 9110, section 15.5.5",
        answered(404),
        mesh=False,
    ),
    Hostile(
        "metrics on the wrong port",
        http(b"", line="GET /metrics HTTP/1.1"),
        404,
        "RFC 9110, section 15.5.5",
        answered(404),
        mesh=False,
    ),
    Hostile(
        "an old client's stream without Accept",
        http(b"", {"MCP-Protocol-Version": LEGACY, "Accept": None}, line="GET {path} HTTP/1.1"),
        406,
        "RFC 9110, section 15.5.7",
        rejected("media"),
        code=-32600,
    ),
    Hostile(
        "a form",
        http(
            message("ping", {}), {"MCP-Protocol-Version": LEGACY, "Content-Type": "application/x-www-form-urlencoded"}
        ),
        400,
        "RFC 9110, section 15.5.1",
        answered(400),
        divergence="RFC 9110, section 15.5.16: 415. The SDK answers 400 before it looks further",
    ),
)

HTTP: Final = (*CONNECTIONS, *FRAMES, *HEADERS, *PATHS_AND_METHODS)
