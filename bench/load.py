"""Raw HTTP/1.1 load: `tools/call` over keep-alive sockets from one epoll loop, small and equal for every server.

Takes a port and a time. Returns the number of correct responses. A wrong response ends the run. It is not the SDK's
client, whose own cost would hide the server's.
"""

import json
import selectors
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

PROTOCOL: Final = "2026-07-28"
TEXT_CHARACTERS: Final = 200
CONNECTIONS: Final = 16
TOKEN: Final = "#########"  # noqa: S105 - a place in the text, no secret


def request_template(host: str, headers: Mapping[str, str] | None = None) -> bytes:
    """One call, with TOKEN as the placeholder of a number of the same length."""
    meta = {"protocolVersion": PROTOCOL, "clientCapabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
    params = {
        "name": "echo",
        "arguments": {"text": TOKEN.ljust(TEXT_CHARACTERS, "x")},
        "_meta": {f"io.modelcontextprotocol/{key}": value for key, value in meta.items()},
    }
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = (
        f"POST /mcp HTTP/1.1\r\nhost: {host}\r\n{more}content-type: application/json\r\n"
        f"accept: application/json, text/event-stream\r\nmcp-protocol-version: {PROTOCOL}\r\n"
        f"mcp-method: tools/call\r\nmcp-name: echo\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Connection:
    """One socket and its outstanding call."""

    stream: socket.socket
    token: bytes = b""
    received: bytes = b""

    def whole(self) -> bool:
        """Whether the response is complete. Raises AssertionError if it is wrong."""
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return False
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return False
        assert head.startswith(b"HTTP/1.1 200"), self.received  # noqa: S101 - a wrong answer makes the figures wrong
        assert self.token in body, self.received  # noqa: S101 - as above
        return True


class Load:
    """Connections to one server for one run; a server closes those that are idle."""

    def __init__(self, port: int, connections: int = CONNECTIONS) -> None:
        self._template = request_template(f"127.0.0.1:{port}")
        self._selector = selectors.EpollSelector()
        self._sent = 0
        for _ in range(connections):
            stream = socket.create_connection(("127.0.0.1", port))
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(stream, selectors.EVENT_READ, Connection(stream))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._selector.get_map().values()):
            key.data.stream.close()
        self._selector.close()

    def run(self, seconds: float) -> tuple[int, float]:
        """Keep every connection busy for `seconds`; return the number of responses and the time taken."""
        started = time.perf_counter()
        waiting = [key.data for key in self._selector.get_map().values()]
        for connection in waiting:
            self._send(connection)
        busy, answered = len(waiting), 0
        while busy:
            for key, _ in self._selector.select():
                connection = key.data
                data = connection.stream.recv(65536)
                if not data:
                    raise ConnectionError(f"the server closed a connection after {connection.received!r}")
                connection.received += data
                if connection.whole():
                    answered += 1
                    if time.perf_counter() - started < seconds:
                        self._send(connection)
                    else:
                        busy -= 1
        return answered, time.perf_counter() - started

    def _send(self, connection: Connection) -> None:
        self._sent += 1
        connection.token = b"%09d" % self._sent
        connection.received = b""
        connection.stream.sendall(self._template.replace(TOKEN.encode(), connection.token))
