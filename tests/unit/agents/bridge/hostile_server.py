"""A stdio server up to 2025-11-25 on the standard library alone; its arguments name the ways in which it misbehaves."""

# ruff: noqa: T201, S607 - standard output is its transport, and the program in the PATH stands for any child

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

WAYS = set(sys.argv[1:])
TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("pid", "env", "die", "hang", "scream", "long")]


def answer(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return the result of a request; None to stay silent."""
    match message["method"]:
        case "initialize":
            found = {"name": "hostile", "version": "1"}
            return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": found}
        case "tools/list":
            return {"tools": TOOLS}
        case "tools/call":
            text = call(message["params"]["name"])
            return None if text is None else {"content": [{"type": "text", "text": text}]}
    return None


def call(tool: str) -> str | None:
    """Run a tool."""
    match tool:
        case "pid":
            return str(os.getpid())
        case "env":
            return json.dumps(dict(os.environ))
        case "die":
            os._exit(3)
        case "scream":
            for number in range(1000):
                sys.stderr.write(f"{number} " + "x" * 100_000 + "\n")
            return "screamed"
        case "long":
            print("y" * 20_000_000, flush=True)
            return "long"
    return None


def reply(message: dict[str, Any]) -> None:
    """Answer one message."""
    if "noise" in WAYS:
        print("debug:", message.get("method"), flush=True)
    if "id" not in message:
        return
    if message["method"] == "server/discover":
        error = {"code": -32601, "message": "Method not found"}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}), flush=True)
    elif (result := answer(message)) is not None:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)


def main() -> None:
    """Serve standard input."""
    if "exit" in WAYS:
        sys.exit(7)
    if "ignore" in WAYS:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "fork" in WAYS:
        subprocess.Popen(["sleep", "300"])
    if "noise" in WAYS:
        print("Welcome to the server!\n{not json\n[1, 2]", flush=True)
    for line in sys.stdin:
        reply(json.loads(line))
    if "ignore" in WAYS:
        time.sleep(300)


if __name__ == "__main__":
    main()
