"""Hostile requests with a valid head whose body is not JSON or not a JSON-RPC message."""

import json
from typing import Final

from tests.hostile.requests import (
    ECHO,
    LEGACY,
    META,
    HostileRequest,
    call_body,
    http,
    message,
    modern,
    modern_bytes,
    rejected,
)

BASIC: Final = "MCP 2026-07-28, Base Protocol, "
JSON_RPC: Final = "JSON-RPC 2.0, section 5.1"
MALFORMED: Final = rejected("malformed")
DEEP: Final = b"[" * 1000 + b"]" * 1000
META_JSON: Final = json.dumps(META).encode()
LEGACY_ENVELOPE: Final = (
    "JSON-RPC 2.0, section 5.1: -32600. For legacy revisions the SDK returns -32602 for any envelope"
)

NO_JSON: Final = (
    HostileRequest("a truncated message", modern_bytes(b'{"jsonrpc": "2.0",'), 400, JSON_RPC, MALFORMED, code=-32700),
    HostileRequest("an empty body", modern_bytes(b""), 400, JSON_RPC, MALFORMED, code=-32700),
    HostileRequest("a body that is not UTF-8", modern_bytes(b"\xff\xfe\xfd"), 400, JSON_RPC, MALFORMED, code=-32700),
    HostileRequest(
        "a truncated legacy message",
        http(b"{", {"MCP-Protocol-Version": LEGACY}),
        400,
        JSON_RPC,
        MALFORMED,
        code=-32700,
    ),
    HostileRequest(
        "a number of 5,000 digits", modern_bytes(call_body(b"9" * 5000)), 400, JSON_RPC, MALFORMED, code=-32700
    ),
    HostileRequest(
        "a lone surrogate",
        http(call_body(b'{"name": "echo", "arguments": {"text": "\\ud800"}}'), {"MCP-Protocol-Version": LEGACY}),
        400,
        JSON_RPC,
        MALFORMED,
        code=-32700,
    ),
    HostileRequest(
        "arguments nested 1,000 levels",
        modern_bytes(call_body(b'{"name": "echo", "arguments": {"text": %b}, "_meta": %b}' % (DEEP, META_JSON))),
        400,
        "JSON-RPC 2.0, section 5.1: an error while parsing; RFC 8259, section 9: a parser may limit the depth",
        MALFORMED,
        code=-32700,
    ),
    HostileRequest(
        "legacy arguments nested 1,000 levels",
        http(call_body(b'{"name": "echo", "arguments": {"text": %b}}' % DEEP), {"MCP-Protocol-Version": LEGACY}),
        400,
        "JSON-RPC 2.0, section 5.1: an error while parsing; RFC 8259, section 9: a parser may limit the depth",
        MALFORMED,
        code=-32700,
    ),
    HostileRequest("a million brackets", modern_bytes(b"[" * 1_000_000), 400, JSON_RPC, MALFORMED, code=-32700),
)

NO_MESSAGE: Final = (
    HostileRequest(
        "a batch",
        modern_bytes(b"[" + message("tools/call", {"_meta": META, **ECHO}) + b"]"),
        400,
        BASIC + '"Messages"',
        MALFORMED,
        code=-32600,
    ),
    HostileRequest("an empty batch", modern_bytes(b"[]"), 400, JSON_RPC, MALFORMED, code=-32600),
    HostileRequest(
        "a legacy batch",
        http(b"[" + message("ping", {}) + b"]", {"MCP-Protocol-Version": LEGACY}),
        400,
        'MCP 2025-11-25, "Changelog" of 2025-06-18: no batches',
        rejected("params"),
        code=-32602,
        divergence=LEGACY_ENVELOPE,
    ),
    HostileRequest(
        "a legacy message without a method",
        http(b"{}", {"MCP-Protocol-Version": LEGACY}),
        400,
        JSON_RPC,
        rejected("params"),
        code=-32602,
        divergence=LEGACY_ENVELOPE,
    ),
    HostileRequest("a number", modern_bytes(b"1"), 400, JSON_RPC, MALFORMED, code=-32600),
    HostileRequest(
        "a JSON-RPC response",
        modern_bytes(b'{"jsonrpc": "2.0", "id": 1, "result": {}}'),
        400,
        'MCP 2026-07-28, Streamable HTTP, "Sending Messages"',
        MALFORMED,
        code=-32600,
    ),
    HostileRequest("the id null", modern(id=None), 400, BASIC + '"Requests"', MALFORMED, code=-32600),
    HostileRequest("the id 1.5", modern(id=1.5), 400, BASIC + '"Requests"', MALFORMED, code=-32600),
    HostileRequest("the id true", modern(id=True), 400, BASIC + '"Requests"', MALFORMED, code=-32600),
    HostileRequest("the id a list", modern(id=[1]), 400, BASIC + '"Requests"', MALFORMED, code=-32600),
    HostileRequest("JSON-RPC 1.0", modern(jsonrpc="1.0"), 400, JSON_RPC, MALFORMED, code=-32600),
    HostileRequest(
        "params that are a list",
        modern_bytes(message("tools/call", ["echo"])),
        400,
        BASIC + '"Requests"',
        MALFORMED,
        code=-32600,
    ),
    HostileRequest(
        "a method that is a number",
        modern_bytes(message("tools/call", {"_meta": META}).replace(b'"tools/call"', b"7")),
        400,
        JSON_RPC,
        MALFORMED,
        code=-32600,
    ),
    HostileRequest(
        "a notification without a method",
        modern_bytes(b'{"jsonrpc": "2.0", "method": 7}'),
        400,
        'MCP 2026-07-28, Streamable HTTP, "Sending Messages"',
        MALFORMED,
        code=-32600,
    ),
)

JSON: Final = (*NO_JSON, *NO_MESSAGE)
