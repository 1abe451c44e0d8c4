"""Hostile requests, third list: good JSON-RPC that contradicts itself, or asks for what is not there."""

import json
from typing import Final

from tests.hostile.requests import (
    ECHO,
    LEGACY,
    META,
    MODERN,
    Hostile,
    call_of,
    http,
    legacy,
    message,
    mirrored,
    modern,
    modern_bytes,
    nested,
    operations,
    rejected,
)

BASIC: Final = "MCP 2026-07-28, Base Protocol, "
HEADERS: Final = 'MCP 2026-07-28, Streamable HTTP, "Server Validation"'
JSON_RPC: Final = "JSON-RPC 2.0, section 5.1"
TOOLS: Final = 'MCP 2026-07-28, Tools, "Error Handling"'
PARAMS: Final = operations("-32602")
META_JSON: Final = json.dumps(META).encode()

CONTRADICTIONS: Final = (
    Hostile(
        "an unknown revision",
        http(
            message("tools/call", {**ECHO, "_meta": {**META, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}}),
            {**mirrored("tools/call", "echo"), "MCP-Protocol-Version": "2099-01-01"},
        ),
        400,
        'MCP 2026-07-28, "Protocol Version Header"',
        rejected("version"),
        code=-32022,
    ),
    Hostile(
        "another revision in the header",
        modern(headers={"MCP-Protocol-Version": "2099-01-01"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    Hostile(
        "no revision at all",
        modern(headers={"MCP-Protocol-Version": "x"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    Hostile(
        "two revisions",
        modern(headers={"MCP-Protocol-Version": f"{MODERN}\r\nMCP-Protocol-Version: {LEGACY}"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    Hostile("no Mcp-Method", modern(headers={"Mcp-Method": None}), 400, HEADERS, rejected("header"), code=-32020),
    Hostile(
        "another Mcp-Method",
        modern(headers={"Mcp-Method": "tools/list"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    Hostile(
        "a stream in the header, a call in the body",
        modern(headers={"Mcp-Method": "subscriptions/listen"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    Hostile("no Mcp-Name", modern(headers={"Mcp-Name": None}), 400, HEADERS, rejected("header"), code=-32020),
    Hostile(
        "another Mcp-Name", modern(headers={"Mcp-Name": "wait_forever"}), 400, HEADERS, rejected("header"), code=-32020
    ),
    Hostile(
        "two Mcp-Names",
        modern(headers={"Mcp-Name": "echo\r\nMcp-Name: wait"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    Hostile(
        "the name in base64",
        modern(headers={"Mcp-Name": "=?base64?ZWNobw==?="}),
        200,
        'MCP 2026-07-28, Streamable HTTP, "Value Encoding"',
        operations(""),
    ),
    Hostile(
        "another name in base64",
        modern(headers={"Mcp-Name": "=?base64?d2FpdA==?="}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    Hostile(
        "a name in no base64",
        modern(headers={"Mcp-Name": "=?base64?%%%?="}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    Hostile(
        "the name twice, the last in the header",
        modern_bytes(
            call_of(b'{"name": "wait_forever", "name": "echo", "arguments": {"text": "a"}, "_meta": %b}' % META_JSON)
        ),
        200,
        "RFC 8259, section 4: what a parser makes of it; header and call agree",
        operations(""),
    ),
    Hostile(
        "the name twice, the first in the header",
        modern_bytes(call_of(b'{"name": "echo", "name": "wait_forever", "arguments": {}, "_meta": %b}' % META_JSON)),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    Hostile(
        "no _meta",
        modern_bytes(message("tools/call", ECHO)),
        400,
        BASIC + '"Per-request protocol fields"',
        rejected("params"),
        code=-32602,
    ),
    Hostile(
        "_meta that is text",
        modern(params={**ECHO, "_meta": "x"}),
        400,
        BASIC + '"Per-request protocol fields"',
        rejected("params"),
        code=-32602,
    ),
    Hostile(
        "capabilities that are a number",
        modern(params={**ECHO, "_meta": {**META, "io.modelcontextprotocol/clientCapabilities": 7}}),
        400,
        BASIC + '"Per-request protocol fields"',
        PARAMS,
        code=-32602,
    ),
    Hostile(
        "a progress token that is an object",
        modern(params={**ECHO, "_meta": {**META, "progressToken": {}}}),
        400,
        "MCP 2026-07-28, Progress",
        PARAMS,
        code=-32602,
    ),
)

UNKNOWN: Final = (
    Hostile("an unknown tool", modern(params={"name": "invented", "arguments": {}}), 400, TOOLS, PARAMS, code=-32602),
    Hostile(
        "an unknown tool of an old client",
        legacy("tools/call", {"name": "invented", "arguments": {}}),
        200,
        TOOLS,
        PARAMS,
        code=-32602,
    ),
    Hostile(
        "an unknown method",
        modern("invented/method", {}),
        404,
        'MCP 2026-07-28, "Protocol Version Header"',
        operations("-32601"),
        code=-32601,
    ),
    Hostile(
        "an unknown method of 40,000 characters",
        http(message("a" * 40_000, {"_meta": META}), mirrored("a" * 40_000, None)),
        404,
        'MCP 2026-07-28, "Protocol Version Header"',
        operations("-32601"),
        code=-32601,
    ),
    Hostile(
        "an unknown method of an old client",
        legacy("invented/method", {}),
        200,
        JSON_RPC,
        operations("-32601"),
        code=-32601,
    ),
    Hostile(
        "a handshake of a revision without one",
        modern("initialize", {"protocolVersion": MODERN, "capabilities": {}}),
        404,
        "MCP 2026-07-28, Lifecycle: removed",
        operations("-32601"),
        code=-32601,
    ),
    Hostile(
        "an unknown prompt",
        modern("prompts/get", {"name": "invented"}),
        400,
        'MCP 2026-07-28, Prompts, "Error Handling"',
        PARAMS,
        code=-32602,
    ),
    Hostile(
        "an unknown prompt of an old client",
        legacy("prompts/get", {"name": "invented"}),
        200,
        'MCP 2025-11-25, Prompts, "Error Handling"',
        PARAMS,
        code=-32602,
    ),
    Hostile(
        "a file of the machine",
        modern("resources/read", {"uri": "file:///etc/passwd"}),
        400,
        'MCP 2026-07-28, Resources, "Error Handling"',
        PARAMS,
        code=-32602,
    ),
    Hostile(
        "a URI that is none",
        modern("resources/read", {"uri": "::::"}),
        400,
        'MCP 2026-07-28, Resources, "Error Handling"',
        PARAMS,
        code=-32602,
    ),
    Hostile(
        "an invented cursor",
        modern("tools/list", {"cursor": "invented"}),
        200,
        "MCP 2026-07-28, Pagination",
        operations(""),
        divergence='"Error Handling" there: servers SHOULD say -32602. The SDK has one page and reads no cursor',
    ),
    Hostile(
        "a forged request state",
        modern(params={**ECHO, "requestState": "forged", "inputResponses": {}}),
        400,
        "MCP 2026-07-28, Multi Round-Trip Requests",
        PARAMS,
        code=-32602,
    ),
    Hostile(
        "a forged session",
        http(message("ping", {}), {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": "forged"}),
        200,
        'MCP 2025-11-25, "Session Management": this server assigned none',
        operations(""),
    ),
)

ARGUMENTS: Final = (
    Hostile(
        "arguments 100 deep",
        modern(params={"name": "echo", "arguments": {"text": nested(100)}}),
        400,
        "JSON-RPC 2.0, section 5.1: invalid parameters",
        PARAMS,
        code=-32602,
    ),
    Hostile(
        "arguments 100 deep of an old client",
        legacy("tools/call", {"name": "echo", "arguments": {"text": nested(100)}}),
        200,
        "JSON-RPC 2.0, section 5.1: invalid parameters",
        PARAMS,
        code=-32602,
    ),
    Hostile("arguments in a list", modern(params={"name": "echo", "arguments": [1]}), 400, TOOLS, PARAMS, code=-32602),
    Hostile(
        "no name", modern_bytes(message("tools/call", {"_meta": META}), name=None), 400, TOOLS, PARAMS, code=-32602
    ),
    Hostile(
        "an argument of another type",
        modern(params={"name": "echo", "arguments": {"text": [1]}}),
        200,
        TOOLS + ": input validation is the tool's",
        operations("tool_error"),
    ),
    Hostile(
        "no argument",
        modern(params={"name": "echo"}),
        200,
        TOOLS + ": input validation is the tool's",
        operations("tool_error"),
    ),
    Hostile(
        "a handshake of wrong types", legacy("initialize", {"protocolVersion": 7}), 200, JSON_RPC, PARAMS, code=-32602
    ),
)

MESSAGES: Final = (*CONTRADICTIONS, *UNKNOWN, *ARGUMENTS)
