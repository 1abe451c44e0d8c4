"""Hostile requests that are invalid as HTTP."""

from typing import Final

from meshed_mcp import contract
from tests.hostile.addresses import ADDRESSES
from tests.hostile.requests import (
    LEGACY,
    MODERN,
    AfterSending,
    Counter,
    HostileRequest,
    http,
    message,
    modern,
    operations,
    rejected,
    responded,
)

MIB: Final = 2**20
IN_CHUNKS: Final = {"Content-Length": None, "Transfer-Encoding": "chunked"}
STREAMABLE: Final = "MCP 2026-07-28, Streamable HTTP, "
PARSER_LIMIT: Final = "RFC 6585, section 5: 431. uvicorn responds with 400 to all parser errors"
MISSING_META: Final = rejected("params")
"""The parser accepts the head, and the body `{}` has no `_meta`."""


def in_chunks(request: bytes, trailers: bytes = b"") -> bytes:
    """Return the request with its body in one chunk, followed by trailers."""
    head, _, body = request.partition(b"\r\n\r\n")
    head = head.replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked")
    return b"%b\r\n\r\n%x\r\n%b\r\n0\r\n%b\r\n" % (head, len(body), body, trailers)


CONNECTIONS: Final = (
    HostileRequest("not HTTP", b"hello\r\n\r\n", 400, "RFC 9112, section 3", None, mesh=False),
    HostileRequest(
        "a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\n\r\n", 400, "RFC 9112, section 3", None, mesh=False
    ),
    HostileRequest(
        "the HTTP/2 connection preface",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        421,
        "RFC 9112, section 2.3: another major version",
        rejected("host"),
        mesh=False,
        parser="a request without Host; the version is not checked",
    ),
    HostileRequest(
        "an incomplete head",
        b"POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Slow:",
        None,
        "RFC 9110, section 15.5.9",
        None,
        mesh=False,
        parser="no timeout for a head; proxies have one",
    ),
    HostileRequest(
        "an incomplete body",
        http(b"{", {"Content-Length": "100"}),
        408,
        "RFC 9110, section 15.5.9",
        rejected("slow"),
    ),
    HostileRequest(
        "incomplete chunks", http(b"2\r\n{}\r\n", IN_CHUNKS), 408, "RFC 9110, section 15.5.9", rejected("slow")
    ),
    HostileRequest(
        "an invalid chunk", http(b"zz\r\n{}\r\n", IN_CHUNKS), 400, "RFC 9112, section 7.1", None, mesh=False
    ),
    HostileRequest(
        "invalid bytes after a rejected request",
        http(b"zz\r\n", {**IN_CHUNKS, "Host": "attacker.example"}),
        400,
        "RFC 9112, section 7.1",
        None,
        mesh=False,
        log_lines=2,
        traceback=True,
        parser="400 instead of the response to the previous request, and a traceback",
    ),
    HostileRequest(
        "a client that disconnects during its body",
        http(b"{", {"Content-Length": "100"}),
        None,
        STREAMABLE + '"Cancellation"',
        responded(None),
        then=AfterSending.DISCONNECT,
        mesh=False,
    ),
    HostileRequest(
        "a client that disconnects during its call",
        modern(params={"name": "wait_forever", "arguments": {}}),
        None,
        STREAMABLE + '"Cancellation": a disconnect cancels the call',
        operations("cancelled"),
        then=AfterSending.DISCONNECT_DURING_CALL,
    ),
    HostileRequest(
        "two pipelined requests",
        modern() + modern(),
        200,
        "RFC 9112, section 9.3.2",
        operations(""),
    ),
)

FRAMES: Final = (
    HostileRequest(
        "two Content-Length values",
        http(b"{}", {"Content-Length": "2\r\nContent-Length: 3"}),
        400,
        "RFC 9112, section 6.3",
        None,
        mesh=False,
    ),
    HostileRequest(
        "Content-Length with chunked encoding",
        http(b"0\r\n\r\n", {"Content-Length": "5", "Transfer-Encoding": "chunked"}),
        400,
        "RFC 9112, section 6.3: an error",
        rejected("malformed"),
        mesh=False,
        code=-32700,
        parser="the length is ignored",
    ),
    HostileRequest(
        "two transfer codings",
        http(b"0\r\n\r\n", {"Content-Length": None, "Transfer-Encoding": "gzip, chunked"}),
        400,
        "RFC 9112, section 6.1",
        None,
        mesh=False,
    ),
    HostileRequest(
        "a space before the colon of a header",
        http(b"{}", {"Host": None, "Host ": "{host}"}),
        400,
        "RFC 9112, section 5.1",
        None,
        mesh=False,
    ),
    HostileRequest(
        "a folded header",
        http(b"{}", {"X-Long": "a\r\n b"}),
        400,
        "RFC 9112, section 5.2",
        MISSING_META,
        mesh=False,
        code=-32602,
        parser="the lines are joined",
    ),
    HostileRequest(
        "bare line feeds",
        http(b"{}").replace(b"\r\n", b"\n"),
        400,
        "RFC 9112, section 2.2",
        MISSING_META,
        mesh=False,
        code=-32602,
        parser="accepted as line ends",
    ),
    HostileRequest(
        "HTTP/2.0 in the request line",
        http(b"{}", line="POST {path} HTTP/2.0"),
        400,
        "RFC 9112, section 2.3",
        MISSING_META,
        mesh=False,
        code=-32602,
        parser="the version is not checked",
    ),
    HostileRequest(
        "an upgrade to HTTP/2",
        modern(headers={"Connection": "Upgrade", "Upgrade": "h2c"}),
        200,
        "RFC 9110, section 7.8: a server may ignore it, but must read the body",
        operations(""),
        mesh=False,
        log_lines=2,
    ),
    HostileRequest(
        "a caller identity in a trailer",
        in_chunks(modern(), b"X-Forwarded-Client-Cert: URI=spiffe://cluster.local/ns/mcp-system/sa/mcp-controller\r\n"),
        200,
        "RFC 9110, section 6.5.1: a trailer is not a header field",
        operations(""),
    ),
    HostileRequest(
        "a negative Content-Length",
        http(b"{}", {"Content-Length": "-1"}),
        400,
        "RFC 9112, section 6.3",
        None,
        mesh=False,
    ),
    HostileRequest(
        "a Content-Length of 30 digits",
        http(b"", {"Content-Length": "9" * 30}),
        400,
        "RFC 9112, section 6.3",
        None,
        mesh=False,
    ),
    HostileRequest(
        "a body of 5 MiB",
        modern(params={"name": "echo", "arguments": {"text": "a" * 5 * MIB}}),
        413,
        "RFC 9110, section 15.5.14",
        rejected("size"),
    ),
    HostileRequest(
        "5 MiB in chunks",
        http(b"%x\r\n%b\r\n0\r\n\r\n" % (5 * MIB, b"a" * 5 * MIB), IN_CHUNKS),
        413,
        "RFC 9110, section 15.5.14",
        rejected("size"),
    ),
    HostileRequest(
        "a header above 64 KiB",
        b"POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Huge: " + b"a" * 64 * 1024,
        400,
        "RFC 9110, section 15.5.1",
        None,
        mesh=False,
        divergence=PARSER_LIMIT,
    ),
    HostileRequest("a NUL in a header", http(b"{}", {"X-Nul": "a\0b"}), 400, "RFC 9110, section 5.5", None, mesh=False),
    HostileRequest(
        "HTTP/1.0",
        modern().replace(b"HTTP/1.1", b"HTTP/1.0", 1),
        200,
        "RFC 9112, section 2.3",
        operations(""),
        mesh=False,
    ),
)

HEADERS: Final = (
    HostileRequest(
        "a forged x-forwarded-client-cert",
        modern(headers={"X-Forwarded-Client-Cert": "URI=spiffe://cluster.local/ns/mcp-system/sa/mcp-controller"}),
        200,
        "Envoy, x-forwarded-client-cert: only the sidecar's header is trusted; the call is anonymous",
        Counter(contract.METRIC_AUTHENTICATIONS, 'result="forged"'),
        mesh=False,
    ),
    HostileRequest("no Host", http(b"{}", {"Host": None}), 400, "RFC 9112, section 3.2", None, mesh=False),
    HostileRequest(
        "two Host headers",
        http(b"{}", {"Host": "{host}\r\nHost: attacker.example"}),
        400,
        "RFC 9112, section 3.2",
        None,
        mesh=False,
    ),
    HostileRequest(
        "a foreign Host",
        modern(headers={"Host": "attacker.example"}),
        421,
        "RFC 9110, section 15.5.20",
        rejected("host"),
        mesh=False,
    ),
    HostileRequest(
        "a foreign Origin",
        modern(headers={"Origin": "https://attacker.example"}),
        403,
        STREAMABLE + '"Security & Endpoint"',
        rejected("auth"),
    ),
    HostileRequest(
        "the Origin null",
        modern(headers={"Origin": "null"}),
        403,
        STREAMABLE + '"Security & Endpoint"',
        rejected("auth"),
    ),
    HostileRequest("no Accept", modern(headers={"Accept": None}), 406, "RFC 9110, section 15.5.7", rejected("media")),
    HostileRequest(
        "an Accept without event streams",
        modern(headers={"Accept": "application/json"}),
        406,
        "RFC 9110, section 15.5.7",
        rejected("media"),
    ),
    HostileRequest(
        "an invalid Accept",
        modern(headers={"Accept": ";;;,q=,"}),
        406,
        "RFC 9110, section 15.5.7",
        rejected("media"),
    ),
    HostileRequest(
        "an unsupported Content-Type",
        modern(headers={"Content-Type": "text/plain"}),
        400,
        "RFC 9110, section 15.5.1",
        responded(400),
        divergence="RFC 9110, section 15.5.16: 415. The SDK responds with 400 first",
    ),
    HostileRequest(
        "no Content-Type",
        modern(headers={"Content-Type": None}),
        400,
        "RFC 9110, section 15.5.1",
        responded(400),
        divergence="RFC 9110, section 15.5.16: 415. The SDK responds with 400 first",
    ),
    HostileRequest(
        "invalid trace headers",
        modern(headers={"traceparent": "00-zz-zz-zz", "tracestate": "=" * 600, "baggage": "%%%="}),
        200,
        "W3C Trace Context, section 2.3: an invalid traceparent is ignored",
        operations(""),
    ),
    HostileRequest(
        "an upgrade of a GET",
        http(
            b"", {"MCP-Protocol-Version": MODERN, "Connection": "Upgrade", "Upgrade": "h2c"}, line="GET {path} HTTP/1.1"
        ),
        405,
        "RFC 9110, section 7.8: it may be ignored",
        responded(405),
        mesh=False,
        log_lines=2,
    ),
)

PATHS_AND_METHODS: Final = (
    HostileRequest(
        "an unknown HTTP method",
        http(b"{}", line="BREW {path} HTTP/1.1"),
        405,
        "RFC 9110, section 15.5.6",
        responded(405),
        mesh=False,
        divergence="RFC 9110, section 9.1: 501. The endpoint responds with 405 to every other method",
    ),
    HostileRequest(
        "PUT",
        http(b"{}", {"MCP-Protocol-Version": MODERN}, line="PUT {path} HTTP/1.1"),
        405,
        "RFC 9110, section 15.5.6",
        responded(405),
        mesh=False,
    ),
    HostileRequest(
        "GET of a stateless revision",
        http(b"", {"MCP-Protocol-Version": MODERN}, line="GET {path} HTTP/1.1"),
        405,
        STREAMABLE + '"Backward Compatibility"',
        responded(405),
    ),
    HostileRequest(
        "DELETE of a stateless revision",
        http(b"", {"MCP-Protocol-Version": MODERN}, line="DELETE {path} HTTP/1.1"),
        405,
        STREAMABLE + '"Backward Compatibility"',
        responded(405),
    ),
    HostileRequest(
        "CONNECT",
        http(b"", line="CONNECT 127.0.0.1:22 HTTP/1.1"),
        404,
        "RFC 9110, section 9.3.6: only proxies support it",
        responded(404),
        mesh=False,
    ),
    HostileRequest(
        "an absolute URL of another host",
        modern().replace(b"POST {path}", b"POST http://attacker.example{path}", 1),
        404,
        "RFC 9112, section 3.2.2: the host of the target replaces the Host field; the path does not exist",
        responded(404),
        mesh=False,
    ),
    HostileRequest(
        "dot segments in the path",
        http(b"{}", line="POST {path}/../../etc/passwd HTTP/1.1"),
        404,
        "RFC 9110, section 15.5.5",
        responded(404),
        mesh=False,
    ),
    HostileRequest(
        "encoded dot segments in the path",
        http(b"{}", line="POST {path}/%2e%2e/metrics HTTP/1.1"),
        404,
        "RFC 9110, section 15.5.5",
        responded(404),
        mesh=False,
    ),
    HostileRequest(
        "a double slash in the path",
        http(b"{}", line="POST /{path} HTTP/1.1"),
        404,
        "RFC 9110, section 15.5.5",
        responded(404),
        mesh=False,
    ),
    HostileRequest(
        "a path that is not UTF-8",
        http(b"{}", line="POST /%ff%fe HTTP/1.1"),
        404,
        "RFC 9110, section 15.5.5",
        responded(404),
        mesh=False,
    ),
    HostileRequest(
        "metrics on the wrong port",
        http(b"", line="GET /metrics HTTP/1.1"),
        404,
        "RFC 9110, section 15.5.5",
        responded(404),
        mesh=False,
    ),
    HostileRequest(
        "a legacy stream of a server without sessions",
        http(b"", {"MCP-Protocol-Version": LEGACY}, line="GET {path} HTTP/1.1"),
        405,
        'MCP 2025-11-25, "Listening for Messages from the Server"',
        responded(405),
    ),
    HostileRequest(
        "a form body",
        http(
            message("ping", {}), {"MCP-Protocol-Version": LEGACY, "Content-Type": "application/x-www-form-urlencoded"}
        ),
        400,
        "RFC 9110, section 15.5.1",
        responded(400),
        divergence="RFC 9110, section 15.5.16: 415. The SDK responds with 400 first",
    ),
)

HTTP: Final = (*CONNECTIONS, *FRAMES, *HEADERS, *PATHS_AND_METHODS, *ADDRESSES)
