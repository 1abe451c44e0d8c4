"""A forward proxy on loopback: it takes CONNECT to named hosts, which exist in no DNS."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import ThreadingHTTPServer
from socketserver import BaseRequestHandler, ThreadingTCPServer

CHUNK = 65536
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@contextmanager
def serving(server: ThreadingTCPServer | ThreadingHTTPServer) -> Iterator[None]:
    """Serve in a thread during the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class ConnectProxy(ThreadingTCPServer):
    """Takes CONNECT to the hosts of the network at port 443, and refuses every other request."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, ports: Mapping[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.targets = {f"{host}:443": port for host, port in ports.items()}
        self.connects: list[str] = []
        self.others: list[str] = []


class _Tunnel(BaseRequestHandler):
    """One connection. Source: RFC 9110, section 9.3.6."""

    server: ConnectProxy

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (part := self.request.recv(CHUNK)):
                return
            head += part
        line = head.partition(b"\r\n")[0].decode()
        method, target, _ = line.split(" ")
        if method != "CONNECT":
            self.server.others.append(line)
            self.request.sendall(BAD_GATEWAY)
            return
        self.server.connects.append(target)
        if target not in self.server.targets:
            self.request.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        try:
            upstream = socket.create_connection(("127.0.0.1", self.server.targets[target]))
        except OSError:  # it does not listen yet
            self.request.sendall(BAD_GATEWAY)
            return
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with upstream:
            back = threading.Thread(target=_copy, args=(upstream, self.request), daemon=True)
            back.start()
            _copy(self.request, upstream)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
