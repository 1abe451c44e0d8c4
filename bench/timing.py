"""Latency of single calls over keep-alive sockets: sequential, or at a fixed rate that does not wait for responses.

Takes an address and a request. Returns the seconds of every call. A wrong response ends the run. A call of the fixed
rate counts from the moment it was due, so a stall delays all calls that were due meanwhile. load.py measures
throughput.
"""

import contextlib
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from bench.load import TOKEN, Connection

ANSWER_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Target:
    """One setup: an address, the requests to send in turn, and the source address of the connection."""

    address: tuple[str, int]
    requests: tuple[bytes, ...]
    source: str = "127.0.0.1"


class Caller:
    """Connections to one target."""

    def __init__(self, target: Target, connections: int) -> None:
        self._target, self._sent = target, 0
        self._connections = [Connection(_connected(target)) for _ in range(connections)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.stream.close()

    def sequential(self, calls: int) -> list[float]:
        """Seconds of each call; each call starts after the response to the previous one."""
        connection, found = self._connections[0], []
        for _ in range(calls):
            begin = time.perf_counter()
            self._send(connection)
            _await(connection)
            found.append(time.perf_counter() - begin)
        return found

    def at_rate(self, calls_per_second: float, seconds: float) -> list[float]:
        """Seconds of each call since it was due; calls wait while all connections are busy."""
        begin, count = time.perf_counter() + 0.01, int(calls_per_second * seconds)
        due = deque(begin + number / calls_per_second for number in range(count))
        idle, found = list(self._connections), []
        busy: dict[socket.socket, float] = {}
        with _selecting(self._connections) as selector:
            while due or busy:
                while due and idle and time.perf_counter() >= due[0]:
                    connection = idle.pop()
                    busy[connection.stream] = due.popleft()
                    self._send(connection)
                wait = due[0] - time.perf_counter() if due and idle else ANSWER_SECONDS
                for key, _ in selector.select(max(0.0, wait)):
                    connection = key.data
                    connection.received += _received(connection)
                    if connection.whole():
                        found.append(time.perf_counter() - busy.pop(connection.stream))
                        idle.append(connection)
        return found

    def _send(self, connection: Connection) -> None:
        request = self._target.requests[self._sent % len(self._target.requests)]
        self._sent += 1
        connection.token = b"%09d" % self._sent
        connection.received = b""
        connection.stream.sendall(request.replace(TOKEN.encode(), connection.token))


def answered(target: Target, request: bytes) -> bytes:
    """The start of the response to one request."""
    with contextlib.closing(_connected(target)) as stream:
        stream.sendall(request)
        return stream.recv(65536)


def listens(address: tuple[str, int]) -> bool:
    """Whether a server accepts connections at the address."""
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


def _connected(target: Target) -> socket.socket:
    stream = socket.create_connection(target.address, ANSWER_SECONDS, (target.source, 0))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def _await(connection: Connection) -> None:
    while not connection.whole():
        connection.received += _received(connection)


def _received(connection: Connection) -> bytes:
    data = connection.stream.recv(65536)
    if not data:
        raise ConnectionError(f"the connection was closed after {connection.received!r}")
    return data


@contextlib.contextmanager
def _selecting(connections: list[Connection]) -> Iterator[selectors.BaseSelector]:
    with selectors.EpollSelector() as selector:
        for connection in connections:
            selector.register(connection.stream, selectors.EVENT_READ, connection)
        yield selector
