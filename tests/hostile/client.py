"""Sends a hostile request as it stands, and reads what comes back."""

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
from tests.hostile.requests import Counter, Hostile, Then
from tests.local_issuer import Issuer

ACTIVE: Final = f'{contract.METRIC_ACTIVE_REQUESTS}{{{contract.LABEL_METHOD}="tools/call"}}'
POLL_SECONDS: Final = 0.02
ANSWER_SECONDS: Final = 30
"""Longest wait for an answer; a slow machine reaches none of it."""

PATIENCE_SECONDS: Final = 2
"""Wait for an answer where none is due."""


@dataclass(frozen=True)
class Answer:
    """What the client sees; no status = the connection ended without one."""

    status: int | None
    code: int | None = None
    body: bytes = b""


@dataclass(frozen=True)
class Target:
    """Where requests go, and the metrics of the process that gets them."""

    address: tuple[str, int]
    host: str
    path: str
    metrics_url: str
    issuer: Issuer | None = None
    """Whose tokens count there."""

    resource: str = ""
    """For whom these must be."""

    def bytes_of(self, case: Hostile) -> bytes:
        """The request as it is sent here."""
        request = case.request.replace(b"{host}", self.host.encode()).replace(b"{path}", self.path.encode())
        if case.token is None or self.issuer is None:
            return request
        return request.replace(b"{token}", case.token(self.issuer, self.resource).encode())

    def samples(self) -> list[str]:
        """The process's metrics now, one a line."""
        text = httpx.get(self.metrics_url, trust_env=False).text
        return [line for line in text.splitlines() if not line.startswith("#")]


def ask(case: Hostile, target: Target, *, answer_seconds: float = ANSWER_SECONDS) -> Answer:
    """Send the request, and do then what the case says; an answer that takes longer is none."""
    request = target.bytes_of(case)
    if case.status is None:
        answer_seconds = min(answer_seconds, PATIENCE_SECONDS)
    with socket.create_connection(target.address, answer_seconds) as connection:
        with contextlib.suppress(OSError):  # answered and closed before the last byte was sent
            connection.sendall(request)
        if case.then is Then.READ:
            return _read(connection)
        if case.then is Then.LEAVE_WORK:
            until(lambda: value(target.samples(), ACTIVE) > 0)
    return Answer(None)


def _read(connection: socket.socket) -> Answer:
    response = HTTPResponse(connection)
    try:
        response.begin()
        body = response.read()
    except (OSError, HTTPException):
        return Answer(None)
    return Answer(response.status, _code(body), body)


def _code(body: bytes) -> int | None:
    """The code of a JSON-RPC error, in a JSON body or in the last event of a stream."""
    data = body.rpartition(b"data: ")[2]
    try:
        error = json.loads(data).get("error")
    except (ValueError, AttributeError):
        return None
    return error["code"] if isinstance(error, dict) else None  # RFC 6750 has a text there


def total(samples: list[str], counter: Counter | None) -> float:
    """Sum of a counter's series; 0 without a counter."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in samples
        if counter is not None and line.startswith(f"{counter.name}{{") and counter.label in line
    )


def value(samples: list[str], series: str) -> float:
    """One series; 0 when it is not there."""
    return next((float(line.rpartition(" ")[2]) for line in samples if line.rpartition(" ")[0] == series), 0.0)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does; fail when it does not."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(POLL_SECONDS)
