"""Hostile requests with valid JSON-RPC that is contradictory or names unknown objects."""

import json
from typing import Final

from tests.hostile.requests import (
    ECHO,
    LEGACY,
    META,
    MODERN,
    HostileRequest,
    call_body,
    http,
    legacy,
    message,
    mirrored_headers,
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
    HostileRequest(
        "an unknown revision",
        http(
            message("tools/call", {**ECHO, "_meta": {**META, "io.modelcontextprotocol/protocolVersion": "2099-01-01"}}),
            {**mirrored_headers("tools/call", "echo"), "MCP-Protocol-Version": "2099-01-01"},
        ),
        400,
        'MCP 2026-07-28, "Protocol Version Header"',
        rejected("version"),
        code=-32022,
    ),
    HostileRequest(
        "a header with another revision",
        modern(headers={"MCP-Protocol-Version": "2099-01-01"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    HostileRequest(
        "an invalid revision in the header",
        modern(headers={"MCP-Protocol-Version": "x"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    HostileRequest(
        "two revision headers",
        modern(headers={"MCP-Protocol-Version": f"{MODERN}\r\nMCP-Protocol-Version: {LEGACY}"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    HostileRequest(
        "no Mcp-Method", modern(headers={"Mcp-Method": None}), 400, HEADERS, rejected("header"), code=-32020
    ),
    HostileRequest(
        "another Mcp-Method",
        modern(headers={"Mcp-Method": "tools/list"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    HostileRequest(
        "a stream in the header and a call in the body",
        modern(headers={"Mcp-Method": "subscriptions/listen"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    HostileRequest("no Mcp-Name", modern(headers={"Mcp-Name": None}), 400, HEADERS, rejected("header"), code=-32020),
    HostileRequest(
        "another Mcp-Name", modern(headers={"Mcp-Name": "wait_forever"}), 400, HEADERS, rejected("header"), code=-32020
    ),
    HostileRequest(
        "two Mcp-Name headers",
        modern(headers={"Mcp-Name": "echo\r\nMcp-Name: wait"}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    HostileRequest(
        "the name in base64",
        modern(headers={"Mcp-Name": "=?base64?ZWNobw==?="}),
        200,
        'MCP 2026-07-28, Streamable HTTP, "Value Encoding"',
        operations(""),
    ),
    HostileRequest(
        "another name in base64",
        modern(headers={"Mcp-Name": "=?base64?d2FpdA==?="}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    HostileRequest(
        "a name in invalid base64",
        modern(headers={"Mcp-Name": "=?base64?%%%?="}),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    HostileRequest(
        "the name twice, the last in the header",
        modern_bytes(
            call_body(b'{"name": "wait_forever", "name": "echo", "arguments": {"text": "a"}, "_meta": %b}' % META_JSON)
        ),
        200,
        "RFC 8259, section 4: parsers differ; header and call agree",
        operations(""),
    ),
    HostileRequest(
        "the name twice, the first in the header",
        modern_bytes(call_body(b'{"name": "echo", "name": "wait_forever", "arguments": {}, "_meta": %b}' % META_JSON)),
        400,
        HEADERS,
        rejected("header"),
        code=-32020,
    ),
    HostileRequest(
        "no _meta",
        modern_bytes(message("tools/call", ECHO)),
        400,
        BASIC + '"Per-request protocol fields"',
        rejected("params"),
        code=-32602,
    ),
    HostileRequest(
        "_meta that is text",
        modern(params={**ECHO, "_meta": "x"}),
        400,
        BASIC + '"Per-request protocol fields"',
        rejected("params"),
        code=-32602,
    ),
    HostileRequest(
        "capabilities that are a number",
        modern(params={**ECHO, "_meta": {**META, "io.modelcontextprotocol/clientCapabilities": 7}}),
        400,
        BASIC + '"Per-request protocol fields"',
        PARAMS,
        code=-32602,
    ),
    HostileRequest(
        "a progress token that is an object",
        modern(params={**ECHO, "_meta": {**META, "progressToken": {}}}),
        400,
        "MCP 2026-07-28, Progress",
        PARAMS,
        code=-32602,
    ),
)

UNKNOWN: Final = (
    HostileRequest(
        "an unknown tool", modern(params={"name": "invented", "arguments": {}}), 400, TOOLS, PARAMS, code=-32602
    ),
    HostileRequest(
        "an unknown tool of a legacy client",
        legacy("tools/call", {"name": "invented", "arguments": {}}),
        200,
        TOOLS,
        PARAMS,
        code=-32602,
    ),
    HostileRequest(
        "an unknown method",
        modern("invented/method", {}),
        404,
        'MCP 2026-07-28, "Protocol Version Header"',
        operations("-32601"),
        code=-32601,
    ),
    HostileRequest(
        "an unknown method of 40,000 characters",
        http(message("a" * 40_000, {"_meta": META}), mirrored_headers("a" * 40_000, None)),
        404,
        'MCP 2026-07-28, "Protocol Version Header"',
        operations("-32601"),
        code=-32601,
    ),
    HostileRequest(
        "an unknown method of a legacy client",
        legacy("invented/method", {}),
        200,
        JSON_RPC,
        operations("-32601"),
        code=-32601,
    ),
    HostileRequest(
        "initialize in a revision without it",
        modern("initialize", {"protocolVersion": MODERN, "capabilities": {}}),
        404,
        "MCP 2026-07-28, Lifecycle: removed",
        operations("-32601"),
        code=-32601,
    ),
    HostileRequest(
        "an unknown prompt",
        modern("prompts/get", {"name": "invented"}),
        400,
        'MCP 2026-07-28, Prompts, "Error Handling"',
        PARAMS,
        code=-32602,
    ),
    HostileRequest(
        "an unknown prompt of a legacy client",
        legacy("prompts/get", {"name": "invented"}),
        200,
        'MCP 2025-11-25, Prompts, "Error Handling"',
        PARAMS,
        code=-32602,
    ),
    HostileRequest(
        "a file URI",
        modern("resources/read", {"uri": "file:///etc/passwd"}),
        400,
        'MCP 2026-07-28, Resources, "Error Handling"',
        PARAMS,
        code=-32602,
    ),
    HostileRequest(
        "an invalid URI",
        modern("resources/read", {"uri": "::::"}),
        400,
        'MCP 2026-07-28, Resources, "Error Handling"',
        PARAMS,
        code=-32602,
    ),
    HostileRequest(
        "an invented cursor",
        modern("tools/list", {"cursor": "invented"}),
        200,
        "MCP 2026-07-28, Pagination",
        operations(""),
        divergence='"Error Handling" there: servers SHOULD return -32602. The SDK has one page and ignores the cursor',
    ),
    HostileRequest(
        "a forged request state",
        modern(params={**ECHO, "requestState": "forged", "inputResponses": {}}),
        400,
        "MCP 2026-07-28, Multi Round-Trip Requests",
        PARAMS,
        code=-32602,
    ),
    HostileRequest(
        "a forged session",
        http(message("ping", {}), {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": "forged"}),
        200,
        'MCP 2025-11-25, "Session Management": this server assigns none',
        operations(""),
    ),
)

ARGUMENTS: Final = (
    HostileRequest(
        "arguments nested 100 levels",
        modern(params={"name": "echo", "arguments": {"text": nested(100)}}),
        400,
        "JSON-RPC 2.0, section 5.1: invalid parameters",
        PARAMS,
        code=-32602,
    ),
    HostileRequest(
        "legacy arguments nested 100 levels",
        legacy("tools/call", {"name": "echo", "arguments": {"text": nested(100)}}),
        200,
        "JSON-RPC 2.0, section 5.1: invalid parameters",
        PARAMS,
        code=-32602,
    ),
    HostileRequest(
        "arguments that are a list", modern(params={"name": "echo", "arguments": [1]}), 400, TOOLS, PARAMS, code=-32602
    ),
    HostileRequest(
        "a missing tool name",
        modern_bytes(message("tools/call", {"_meta": META}), name=None),
        400,
        TOOLS,
        PARAMS,
        code=-32602,
    ),
    HostileRequest(
        "an argument of a wrong type",
        modern(params={"name": "echo", "arguments": {"text": [1]}}),
        200,
        TOOLS + ": the tool validates its input",
        operations("tool_error"),
    ),
    HostileRequest(
        "a missing argument",
        modern(params={"name": "echo"}),
        200,
        TOOLS + ": the tool validates its input",
        operations("tool_error"),
    ),
    HostileRequest(
        "initialize with wrong types", legacy("initialize", {"protocolVersion": 7}), 200, JSON_RPC, PARAMS, code=-32602
    ),
)

MESSAGES: Final = (*CONTRADICTIONS, *UNKNOWN, *ARGUMENTS)
