"""Hostile requests, second list: good HTTP, but no JSON, or no message of JSON-RPC."""

import json
from typing import Final

from tests.hostile.requests import ECHO, LEGACY, META, Hostile, call_of, http, message, modern, modern_bytes, rejected

BASIC: Final = "MCP 2026-07-28, Base Protocol, "
JSON_RPC: Final = "JSON-RPC 2.0, section 5.1"
MALFORMED: Final = rejected("malformed")
DEEP: Final = b"[" * 1000 + b"]" * 1000
META_JSON: Final = json.dumps(META).encode()
OLD_ENVELOPE: Final = "JSON-RPC 2.0, section 5.1: -32600. For old revisions the SDK says -32602 of any envelope"

NO_JSON: Final = (
    Hostile("half a message", modern_bytes(b'{"jsonrpc": "2.0",'), 400, JSON_RPC, MALFORMED, code=-32700),
    Hostile("nothing", modern_bytes(b""), 400, JSON_RPC, MALFORMED, code=-32700),
    Hostile("no UTF-8", modern_bytes(b"\xff\xfe\xfd"), 400, JSON_RPC, MALFORMED, code=-32700),
    Hostile(
        "half a message of an old client",
        http(b"{", {"MCP-Protocol-Version": LEGACY}),
        400,
        JSON_RPC,
        MALFORMED,
        code=-32700,
    ),
    Hostile("a number of 5,000 digits", modern_bytes(call_of(b"9" * 5000)), 400, JSON_RPC, MALFORMED, code=-32700),
    Hostile(
        "half a character",
        http(call_of(b'{"name": "echo", "arguments": {"text": "\\ud800"}}'), {"MCP-Protocol-Version": LEGACY}),
        400,
        JSON_RPC,
        MALFORMED,
        code=-32700,
    ),
    Hostile(
        "arguments 1,000 deep",
        modern_bytes(call_of(b'{"name": "echo", "arguments": {"text": %b}, "_meta": %b}' % (DEEP, META_JSON))),
        400,
        "JSON-RPC 2.0, section 5.1: an error while parsing; RFC 8259, section 9: a parser may limit the depth",
        MALFORMED,
        code=-32700,
    ),
    Hostile(
        "arguments 1,000 deep of an old client",
        http(call_of(b'{"name": "echo", "arguments": {"text": %b}}' % DEEP), {"MCP-Protocol-Version": LEGACY}),
        400,
        "JSON-RPC 2.0, section 5.1: an error while parsing; RFC 8259, section 9: a parser may limit the depth",
        MALFORMED,
        code=-32700,
    ),
    Hostile("a million brackets", modern_bytes(b"[" * 1_000_000), 400, JSON_RPC, MALFORMED, code=-32700),
)

NO_MESSAGE: Final = (
    Hostile(
        "a batch",
        modern_bytes(b"[" + message("tools/call", {"_meta": META, **ECHO}) + b"]"),
        400,
        BASIC + '"Messages"',
        MALFORMED,
        code=-32600,
    ),
    Hostile("an empty batch", modern_bytes(b"[]"), 400, JSON_RPC, MALFORMED, code=-32600),
    Hostile(
        "a batch of an old client",
        http(b"[" + message("ping", {}) + b"]", {"MCP-Protocol-Version": LEGACY}),
        400,
        'MCP 2025-11-25, "Changelog" of 2025-06-18: no batches',
        rejected("params"),
        code=-32602,
        divergence=OLD_ENVELOPE,
    ),
    Hostile(
        "an old client's message without a method",
        http(b"{}", {"MCP-Protocol-Version": LEGACY}),
        400,
        JSON_RPC,
        rejected("params"),
        code=-32602,
        divergence=OLD_ENVELOPE,
    ),
    Hostile("a number", modern_bytes(b"1"), 400, JSON_RPC, MALFORMED, code=-32600),
    Hostile(
        "an answer",
        modern_bytes(b'{"jsonrpc": "2.0", "id": 1, "result": {}}'),
        400,
        'MCP 2026-07-28, Streamable HTTP, "Sending Messages"',
        MALFORMED,
        code=-32600,
    ),
    Hostile("the id null", modern(id=None), 400, BASIC + '"Requests"', MALFORMED, code=-32600),
    Hostile("the id 1.5", modern(id=1.5), 400, BASIC + '"Requests"', MALFORMED, code=-32600),
    Hostile("the id true", modern(id=True), 400, BASIC + '"Requests"', MALFORMED, code=-32600),
    Hostile("the id a list", modern(id=[1]), 400, BASIC + '"Requests"', MALFORMED, code=-32600),
    Hostile("JSON-RPC 1.0", modern(jsonrpc="1.0"), 400, JSON_RPC, MALFORMED, code=-32600),
    Hostile(
        "parameters in a list",
        modern_bytes(message("tools/call", ["echo"])),
        400,
        BASIC + '"Requests"',
        MALFORMED,
        code=-32600,
    ),
    Hostile(
        "a method that is a number",
        modern_bytes(message("tools/call", {"_meta": META}).replace(b'"tools/call"', b"7")),
        400,
        JSON_RPC,
        MALFORMED,
        code=-32600,
    ),
    Hostile(
        "a notification without a method",
        modern_bytes(b'{"jsonrpc": "2.0", "method": 7}'),
        400,
        'MCP 2026-07-28, Streamable HTTP, "Sending Messages"',
        MALFORMED,
        code=-32600,
    ),
)

JSON: Final = (*NO_JSON, *NO_MESSAGE)
