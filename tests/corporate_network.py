"""A corporate network on loopback: a proxy that takes CONNECT in plain text, and hosts behind it with a private CA.

The names of the hosts exist in the proxy only, so a client that gets a response has sent CONNECT.
"""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Answer = Callable[[str, bytes], bytes]
"""Body of a response, from the path and body of the request."""

CHUNK = 65536


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
    authority, key = _authority()
    (folder / "ca.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    with ExitStack() as stack:
        ports = {
            host: stack.enter_context(_host(answer, _certificate(folder, host, authority, key)))
            for host, answer in hosts.items()
        }
        proxy = _Proxy(ports)
        network = Network(
            f"http://127.0.0.1:{proxy.server_address[1]}", folder / "ca.pem", proxy.connects, proxy.others
        )
        stack.enter_context(_serving(proxy))
        yield network


def _authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "corporate authority")])
    usage = x509.KeyUsage(
        **dict.fromkeys(("key_cert_sign", "crl_sign", "digital_signature"), True),
        **dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment"), False),
        **dict.fromkeys(("key_agreement", "encipher_only", "decipher_only"), False),
    )
    built = _builder(name, name, key.public_key()).add_extension(x509.BasicConstraints(True, None), critical=True)
    return built.add_extension(usage, critical=True).sign(key, hashes.SHA256()), key


def _builder(subject: x509.Name, issuer: x509.Name, key: Any) -> x509.CertificateBuilder:
    now, builder = dt.datetime.now(dt.UTC), x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    numbered = builder.public_key(key).serial_number(x509.random_serial_number())
    return numbered.not_valid_before(now - dt.timedelta(minutes=1)).not_valid_after(now + dt.timedelta(hours=1))


def _certificate(folder: Path, host: str, authority: x509.Certificate, signer: ec.EllipticCurvePrivateKey) -> Path:
    """File with certificate and key of a host."""
    key = ec.generate_private_key(ec.SECP256R1())
    signed = (
        _builder(x509.Name([]), authority.subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(signed.public_bytes(Encoding.PEM) + private)
    return file


@contextmanager
def _host(answer: Answer, certificate: Path) -> Iterator[int]:
    """A TLS server; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond(b"")

        def do_POST(self) -> None:
            self._respond(self.rfile.read(int(self.headers["content-length"])))

        def _respond(self, sent: bytes) -> None:
            body = answer(self.path, sent)
            self.send_response(200)
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
    with _serving(server):
        yield server.server_port


@contextmanager
def _serving(server: ThreadingTCPServer | ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Proxy(ThreadingTCPServer):
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

    server: _Proxy

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
            self.request.sendall(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        self.server.connects.append(target)
        if target not in self.server.targets:
            self.request.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self.server.targets[target])) as upstream:
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
