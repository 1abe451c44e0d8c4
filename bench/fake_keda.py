"""Stand-in for the API server and KEDA in `make bench-scale-out`: one ScaledObject, patched over HTTPS.

The fast scaler is the same process as in a cluster, with the folder, token and TLS of its ServiceAccount. Its patches
arrive here, and fast_scaler_path.py acts on them. tests/engines/test_fast_scaler_agent.py runs the same process between
a real API server and a real Prometheus.
"""

import datetime as dt
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ADDRESS: Final = "127.0.0.1"
TOKEN: Final = "played"  # noqa: S105 - nothing that anybody else takes
MERGE_PATCH: Final = "application/merge-patch+json"


class Minimums:
    """Patched minimums of one ScaledObject: seconds (`perf_counter`) and value, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: list[tuple[float, int]] = []

    def write(self, minimum: int) -> None:
        """Record a patch."""
        with self._lock:
            self._written.append((time.perf_counter(), minimum))

    def since(self, begun: float) -> list[tuple[float, int]]:
        """Patches after a moment."""
        with self._lock:
            return [each for each in self._written if each[0] >= begun]


@contextmanager
def api_server(namespace: str, name: str, folder: Path) -> Iterator[tuple[Minimums, dict[str, str]]]:
    """Accept merge patches of one ScaledObject; yield the environment by which a process in a pod would find it."""
    minimums = Minimums()
    path = f"/apis/keda.sh/v1alpha1/namespaces/{namespace}/scaledobjects/{name}"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PATCH(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            known = self.path.partition("?")[0] == path and self.headers["authorization"] == f"Bearer {TOKEN}"
            if known and self.headers["content-type"] == MERGE_PATCH:
                minimums.write(body["spec"]["minReplicaCount"])
            self.send_response(200 if known else 403)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    folder.mkdir()
    with ThreadingHTTPServer((ADDRESS, 0), Handler) as server:
        server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(folder))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (folder / "token").write_text(TOKEN)
        (folder / "namespace").write_text(namespace)
        yield (
            minimums,
            {
                "KUBERNETES_SERVICE_HOST": ADDRESS,
                "KUBERNETES_SERVICE_PORT": str(server.server_address[1]),
                "MESHED_MCP_ACCOUNT_PATH": str(folder),
            },
        )
        server.shutdown()


def certificate(folder: Path) -> Path:
    """A certificate for the address with its key, in one file; `ca.crt` beside it is the CA that the process trusts."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "played API server")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = signed.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.crt").write_bytes(public)
    both = folder / "server.pem"
    both.touch(mode=0o600)
    both.write_bytes(public + private)
    return both
