"""A corporate network on loopback: a proxy that takes CONNECT in plain text, and hosts behind it with a private CA.

The names of the hosts exist in the proxy only, so a client that gets a response has sent CONNECT.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.connect_proxy import ConnectProxy, serving
from tests.private_authority import PrivateAuthority

Answer = Callable[[str, bytes], bytes]
"""Body of a response, from the path and body of the request."""


@dataclass
class Network:
    """The proxy and what it was asked."""

    proxy_url: str
    ca_file: Path
    """Certificate of the private authority, PEM."""

    connects: list[str] = field(default_factory=list)
    """`host:port` of every CONNECT, in order."""

    others: list[str] = field(default_factory=list)
    """First line of every other request."""

    def reach(self, variables: Mapping[str, Any], rendered_proxy: str, rendered_file: str) -> dict[str, str]:
        """Rendered variables of a container with the proxy and the certificates of this network."""
        places = {rendered_proxy: self.proxy_url, rendered_file: str(self.ca_file)}
        return {name: places.get(str(value), str(value)) for name, value in variables.items()}


@contextmanager
def corporate_network(folder: Path, hosts: Mapping[str, Answer]) -> Iterator[Network]:
    """A network for as long as the block lasts; `hosts` serve TLS at port 443 of their names."""
    authority, file = PrivateAuthority("corporate authority"), folder / "ca.pem"
    file.write_text(authority.certificate, "ascii")
    with ExitStack() as stack:
        files = {host: authority.issue(host, host).write(folder / f"{host}.pem") for host in hosts}
        ports = {host: stack.enter_context(https_host(answer, files[host])) for host, answer in hosts.items()}
        proxy = ConnectProxy(ports)
        network = Network(f"http://127.0.0.1:{proxy.server_address[1]}", file, proxy.connects, proxy.others)
        stack.enter_context(serving(proxy))
        yield network


@contextmanager
def https_host(answer: Answer, certificate: Path) -> Iterator[int]:
    """A TLS server; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond(b"")

        def do_POST(self) -> None:
            self._respond(self.rfile.read(int(self.headers["content-length"])))

        def _respond(self, sent: bytes) -> None:
            body = answer(self.path, sent)
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that rejects the certificate ends the handshake."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with serving(server):
        yield server.server_port
