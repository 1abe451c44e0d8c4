"""Client that sends the raw bytes of a hostile request and reads the response."""

import contextlib
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Final

import httpx

from meshed_mcp import contract
from tests.hostile.requests import AfterSending, Counter, HostileRequest
from tests.local_issuer import Issuer

ACTIVE: Final = f'{contract.METRIC_ACTIVE_REQUESTS}{{{contract.LABEL_METHOD}="tools/call"}}'
POLL_SECONDS: Final = 0.02
RESPONSE_TIMEOUT_SECONDS: Final = 30
"""Timeout of a response."""

NO_RESPONSE_SECONDS: Final = 2
"""Wait for a response where none is expected."""


@dataclass(frozen=True)
class Response:
    """Response of a server; no status = the connection closed without one."""

    status: int | None
    code: int | None = None
    body: bytes = b""


@dataclass(frozen=True)
class Target:
    """A server: its address, and the URL of its metrics."""

    address: tuple[str, int]
    host: str
    path: str
    metrics_url: str
    issuer: Issuer | None = None
    """Issuer whose tokens the server accepts."""

    resource: str = ""
    """Audience of the tokens."""

    def render(self, case: HostileRequest) -> bytes:
        """Return the bytes of the request for this target."""
        request = case.request.replace(b"{host}", self.host.encode()).replace(b"{path}", self.path.encode())
        if case.token is None or self.issuer is None:
            return request
        return request.replace(b"{token}", case.token(self.issuer, self.resource).encode())

    def samples(self) -> list[str]:
        """Return the lines of the metrics endpoint."""
        text = httpx.get(self.metrics_url, trust_env=False).text
        return [line for line in text.splitlines() if not line.startswith("#")]


def send(case: HostileRequest, target: Target, *, timeout_seconds: float = RESPONSE_TIMEOUT_SECONDS) -> Response:
    """Send the request and read the response, unless the case disconnects. A timeout is no response."""
    request = target.render(case)
    if case.status is None:
        timeout_seconds = min(timeout_seconds, NO_RESPONSE_SECONDS)
    with socket.create_connection(target.address, timeout_seconds) as connection:
        with contextlib.suppress(OSError):  # the server responded and closed before the last byte
            connection.sendall(request)
        if case.then is AfterSending.READ_RESPONSE:
            return _read(connection)
        if case.then is AfterSending.DISCONNECT_DURING_CALL:
            wait_until(lambda: sample_value(target.samples(), ACTIVE) > 0)
    return Response(None)


def _read(connection: socket.socket) -> Response:
    response = HTTPResponse(connection)
    try:
        response.begin()
        body = response.read()
    except (OSError, HTTPException):
        return Response(None)
    return Response(response.status, _code(body), body)


def _code(body: bytes) -> int | None:
    """Return the code of a JSON-RPC error, in a JSON body or in the last event of a stream."""
    data = body.rpartition(b"data: ")[2]
    try:
        error = json.loads(data).get("error")
    except (ValueError, AttributeError):
        return None
    return error["code"] if isinstance(error, dict) else None  # RFC 6750 has a string there


def counter_total(samples: list[str], counter: Counter | None) -> float:
    """Return the sum of a counter's series; 0 without a counter."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in samples
        if counter is not None and line.startswith(f"{counter.name}{{") and counter.label in line
    )


def sample_value(samples: list[str], series: str) -> float:
    """Return the value of a series; 0 if it does not exist."""
    return next((float(line.rpartition(" ")[2]) for line in samples if line.rpartition(" ")[0] == series), 0.0)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition in another process; fail after the timeout."""
    deadline = time.monotonic() + RESPONSE_TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "timeout"
        time.sleep(POLL_SECONDS)
