"""Memory of abandoned legacy sessions: while they are open, and after they have expired.

Takes the number of sessions. Returns the memory of the process before, with all of them open, after, and with as many
open again. The memory after expiry is compared with the memory before. CPython keeps an arena of 1 MiB while one
object in it lives, so the difference between the second and the first time shows whether memory leaks.
"""

import http.client
import json
import time
import urllib.request
from typing import Final

from bench.processes import Server, running
from meshed_mcp import contract

IDLE_SECONDS: Final = 60
EXPIRY_SECONDS: Final = 300.0
SETTLE_SECONDS: Final = 10.0
"""From the last session's end to the measurement: they are collected after 5 s (agents/process/gc_tuning.py)."""

WARM_SESSIONS: Final = 100
"""Opened first, so that the baseline includes what the first session loads once."""

INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
}


def abandoned(count: int) -> dict[str, float]:
    """Open `count` sessions, wait until the server has expired them, and compare its memory.

    The environment is what a stack with `legacy: sticky` gives.
    """
    variables = {
        contract.ENV_LEGACY: contract.Legacy.STICKY.value,
        contract.ENV_SESSIONS: str(count + WARM_SESSIONS),
        contract.ENV_SESSION_IDLE_SECONDS: str(IDLE_SECONDS),  # instead of the default of half an hour
    }
    with running("service", variables) as server:
        open_sessions(server, WARM_SESSIONS)
        wait_for_expiry(server)
        before = server.memory_bytes()
        started = time.perf_counter()
        open_sessions(server, count)
        seconds, most, held = time.perf_counter() - started, active_sessions(server), server.memory_bytes()
        wait_for_expiry(server)
        time.sleep(SETTLE_SECONDS)
        after = server.memory_bytes()
        open_sessions(server, count)
        again = server.memory_bytes()
    return {
        "count": count,
        "open_at_most": most,
        "open_seconds": seconds,
        "before_bytes": before,
        "held_bytes": held,
        "after_bytes": after,
        "held_again_bytes": again,
    }


def open_sessions(server: Server, count: int) -> None:
    """Open sessions in sequence; drop their ids."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    for _ in range(count):
        connection.request("POST", contract.MCP_PATH, json.dumps(INITIALIZE), headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != http.HTTPStatus.OK or not response.headers["mcp-session-id"]:
            raise RuntimeError(f"no session: {response.status} {body[:200]!r}")
    connection.close()


def wait_for_expiry(server: Server) -> None:
    """Return when no session is open. Raises RuntimeError after a timeout."""
    deadline = time.perf_counter() + EXPIRY_SECONDS
    while active_sessions(server):
        if time.perf_counter() > deadline:
            raise RuntimeError(f"{active_sessions(server):.0f} sessions are still open")
        time.sleep(0.5)


def active_sessions(server: Server) -> float:
    """Value of the gauge."""
    url = f"http://127.0.0.1:{server.management_port}{contract.METRICS_PATH}"
    lines = urllib.request.urlopen(url).read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{contract.METRIC_ACTIVE_SESSIONS} "))
