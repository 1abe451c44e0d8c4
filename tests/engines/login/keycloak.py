"""A real Keycloak with the realm of examples/connect, on a port of its own."""

import contextlib
import json
import shutil
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.engines.login.network import LOGIN, LoginNetwork
from tests.engines.processes import Engine, free_port, running
from tests.engines.waiting import wait_for
from tests.stacks import ROOT

REALM: Final = ROOT / "examples" / "connect" / "realm.json"
ISSUER: Final = f"https://{LOGIN}/realms/tools"
START_SECONDS: Final = 240
"""Of a first start on two busy cores; 10 to 20 seconds on idle ones."""

OK: Final = 200


@dataclass
class Keycloak:
    """A running Keycloak."""

    engine: Engine
    client: httpx2.Client

    def document(self, url: str) -> Any:
        """A JSON document."""
        response = self.client.get(url)
        assert response.status_code == OK, response.text
        return response.json()

    def jwks(self) -> str:
        """The public keys of the realm."""
        return json.dumps(self.document(self.document(f"{ISSUER}/.well-known/openid-configuration")["jwks_uri"]))

    def is_ready(self) -> bool:
        """Whether the realm is served; Keycloak responds 503 while it imports."""
        self.engine.check()
        with contextlib.suppress(httpx2.TransportError):
            return self.client.get(f"{ISSUER}/.well-known/openid-configuration").status_code == OK
        return False


def home(program: Path, folder: Path, realm: dict[str, Any]) -> Path:
    """A home folder of Keycloak with the empty database of `make engines` and a realm to import."""
    made = folder / "home"
    shutil.copytree(program.resolve().parent.parent / "keycloak" / "home", made, symlinks=True)
    (made / "data" / "import").mkdir()
    (made / "data" / "import" / "tools-realm.json").write_text(json.dumps(realm), "utf-8")
    return made


@contextlib.contextmanager
def running_keycloak(program: Path, folder: Path, network: LoginNetwork, realm: dict[str, Any]) -> Iterator[Keycloak]:
    """Keycloak during the block, from the start of its realm."""
    certificate = network.certificates[LOGIN]
    options = [
        f"-Dkc.home.dir={home(program, folder, realm)}",
        f"--hostname=https://{LOGIN}",
        "--cache=local",
        "--http-host=127.0.0.1",
        "--http-enabled=false",
        f"--https-port={network.ports[LOGIN]}",
        f"--https-certificate-file={certificate}",
        f"--https-certificate-key-file={certificate}",
        f"--http-management-port={free_port()}",
        f"--truststore-paths={network.ca_file}",
    ]
    command = [str(program), "start", "--optimized", "--import-realm", *options]
    trust = ssl.create_default_context(cafile=str(network.ca_file))
    with (
        httpx2.Client(proxy=network.proxy_url, verify=trust, timeout=30, trust_env=False) as client,
        running(command, folder / "keycloak.log", {"HTTPS_PROXY": network.proxy_url}) as engine,
    ):
        keycloak = Keycloak(engine, client)
        wait_for(keycloak.is_ready, "Keycloak with its realm", START_SECONDS)
        yield keycloak
