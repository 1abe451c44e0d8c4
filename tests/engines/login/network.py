"""The network of a login: three HTTPS hosts behind a forward proxy, with certificates of a private authority.

The names are in no DNS: the browser, the Inspector and Keycloak reach them through the proxy, at the ports and with the
URLs of production.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.connect_proxy import ConnectProxy, serving
from tests.corporate_network import https_host
from tests.engines.login.tls_edge import tls_edge
from tests.engines.processes import free_port
from tests.private_authority import PrivateAuthority

LOGIN: Final = "login.example.com"
"""Keycloak."""

GATEWAY: Final = "mcp.example.com"
"""The ingress gateway, behind a load balancer that terminates TLS."""

CLIENT: Final = "client.example.com"
"""Publisher of a client ID metadata document."""


@dataclass(frozen=True)
class LoginNetwork:
    """The proxy, the authority, and where the hosts listen."""

    proxy_url: str
    ca_file: Path
    """Certificate of the private authority, PEM."""

    certificates: dict[str, Path]
    """File with certificate and key, by host."""

    pins: list[str]
    """Hashes of the public keys of the hosts."""

    ports: dict[str, int]
    """Port of the TLS server, by host."""

    gateway_port: int
    """Plaintext port of the gateway."""

    documents: dict[str, bytes]
    """What CLIENT publishes, by path."""

    @property
    def of_node(self) -> dict[str, str]:
        """Variables of a Node process that uses the network."""
        return {
            "NODE_USE_ENV_PROXY": "1",
            "HTTPS_PROXY": self.proxy_url,
            "NO_PROXY": "localhost,127.0.0.1",
            "NODE_EXTRA_CA_CERTS": str(self.ca_file),
        }


@contextlib.contextmanager
def login_network(folder: Path) -> Iterator[LoginNetwork]:
    """The network during the block."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, ca_file, gateway = PrivateAuthority(), folder / "ca.pem", free_port()
    ca_file.write_text(authority.certificate, "ascii")
    pairs = {host: authority.issue(host, host) for host in (LOGIN, GATEWAY, CLIENT)}
    certificates = {host: pair.write(folder / f"{host}.pem") for host, pair in pairs.items()}
    documents = dict[str, bytes]()
    with (
        tls_edge(certificates[GATEWAY], gateway) as edge,
        https_host(lambda path, _: documents.get(path, b"{}"), certificates[CLIENT]) as client,
    ):
        ports = {LOGIN: free_port(), GATEWAY: edge, CLIENT: client}
        proxy = ConnectProxy(ports)
        url = f"http://127.0.0.1:{proxy.server_address[1]}"
        with serving(proxy):
            pins = [pair.pin for pair in pairs.values()]
            yield LoginNetwork(url, ca_file, certificates, pins, ports, gateway, documents)
