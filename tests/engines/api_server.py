"""A real kube-apiserver with etcd on loopback, without controllers and nodes, with one administrator token.

What it judges is admission: schemas, defaults, CEL rules, strict fields. What a controller would do does not happen.
"""

import base64
import contextlib
import secrets
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.engines.api_client import ApiClient
from tests.engines.processes import Engine, free_port, running
from tests.engines.waiting import wait_for

START_SECONDS: Final = 90
REQUEST_SECONDS: Final = 30


class ApiServer(NamedTuple):
    """A ready API server."""

    client: ApiClient
    kubeconfig: Path


@contextlib.contextmanager
def started(find_engine: Callable[[str], Path], folder: Path) -> Iterator[ApiServer]:
    """Run etcd and kube-apiserver during the block, with their data in `folder`."""
    etcd, apiserver = find_engine("etcd"), find_engine("kube-apiserver")
    folder.mkdir(parents=True, exist_ok=True)
    etcd_url, peer_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    address, token = f"https://127.0.0.1:{(port := free_port())}", secrets.token_hex(16)
    with (
        running(etcd_command(etcd, etcd_url, peer_url, folder), folder / "etcd.log"),
        running(apiserver_command(apiserver, etcd_url, port, token, folder), folder / "kube-apiserver.log") as server,
    ):
        certificate = wait_for(lambda: served_certificate(server, folder), "the API server's certificate")
        with httpx.Client(
            base_url=address,
            verify=ssl.create_default_context(cadata=certificate),
            headers={"Authorization": f"Bearer {token}"},
            timeout=REQUEST_SECONDS,
            trust_env=False,
        ) as http:
            client = ApiClient(http)
            wait_for(lambda: server.runs() and client.ready(), "kube-apiserver ready", START_SECONDS)
            yield ApiServer(client, kubeconfig(folder, address, token, certificate))


def etcd_command(program: Path, url: str, peer_url: str, folder: Path) -> list[str]:
    """One etcd member without fsync."""
    return [
        str(program), f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync",
        f"--listen-client-urls={url}", f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer_url}", f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
    ]  # fmt: skip


def apiserver_command(program: Path, etcd_url: str, port: int, token: str, folder: Path) -> list[str]:
    """The server with its default admission plugins, except those that need a controller."""
    key = folder / "service-account.key"
    key.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    tokens = folder / "tokens.csv"
    tokens.write_text(f'{token},administrator,administrator,"system:masters"\n')
    return [
        str(program), f"--etcd-servers={etcd_url}", f"--secure-port={port}", f"--cert-dir={folder / 'certificates'}",
        "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC", f"--token-auth-file={tokens}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
        # Service accounts' tokens and the wait for "default" need the controller manager, which is not here.
        "--disable-admission-plugins=ServiceAccount",
    ]  # fmt: skip


def served_certificate(server: Engine, folder: Path) -> str:
    """The self-signed certificate of the server with its issuer; empty before it exists."""
    server.check()
    certificate = folder / "certificates" / "apiserver.crt"
    key = folder / "certificates" / "apiserver.key"
    return certificate.read_text() if certificate.exists() and key.exists() else ""


def kubeconfig(folder: Path, address: str, token: str, certificate: str) -> Path:
    """Write a kubeconfig file."""
    trust = base64.b64encode(certificate.encode()).decode()
    content: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": address, "certificate-authority-data": trust}}],
        "users": [{"name": "administrator", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "administrator"}}],
    }
    path = folder / "kubeconfig.yaml"
    path.write_text(yaml.safe_dump(content))
    path.chmod(0o600)
    return path
