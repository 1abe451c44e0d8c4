"""A stdio server up to 2025-11-25 on the standard library alone, for many sessions: 8 MiB per process."""

import json
import sys

TOOL = {"name": "echo", "inputSchema": {"type": "object"}}
INITIALIZED = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "small", "version": "1"},
}

for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    reply: dict[str, object] = {"jsonrpc": "2.0", "id": message["id"]}
    match message["method"]:
        case "initialize":
            reply["result"] = INITIALIZED
        case "tools/list":
            reply["result"] = {"tools": [TOOL]}
        case "tools/call":
            text = message["params"]["arguments"]["text"]
            reply["result"] = {"content": [{"type": "text", "text": text}]}
        case _:
            reply["error"] = {"code": -32601, "message": "Method not found"}
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()
