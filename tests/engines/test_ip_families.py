"""A pod in IPv4, IPv6 and dual-stack namespaces: probes, metrics, identity from a real Envoy, tool policy, drain.

The process and the policies are the rendered ones. Of the rendered sidecar only the addresses are replaced: it listens
on the pod's, and connects to the process there, from the source address of the family as Istio's inbound clusters do.
"""

import json
import signal
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from meshed_mcp import contract
from meshed_mcp.agents.http.addresses import host_and_port
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process.certificates import KeyFolder
from meshed_mcp.local.process.container import RunFolders, container_variables
from meshed_mcp.local.process.engines import envoy_program
from meshed_mcp.local.translate.envoy import bootstrap
from meshed_mcp.local.translate.envoy.tls import KeyFiles
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import ADMIN_PORT, INBOUND_PORT, Pod, Topology, topology
from tests.engines import local_stack
from tests.engines.namespaces import Families, Link, linked
from tests.engines.processes import Engine, running
from tests.engines.test_local_identity import legacy, modern, outcome
from tests.engines.waiting import wait_for

SCRIPT: Final = ["python", str(Path(__file__).with_name("pod_service.py"))]
FRONT: Final = "cluster.local/ns/mcp-system/sa/front"
HOST: Final = {"host": "vault:8000"}
FORGED: Final = f'{contract.METRIC_AUTHENTICATIONS}{{kind="peer",result="forged"}}'
ACTIVE: Final = f'{contract.METRIC_ACTIVE_REQUESTS}{{{contract.LABEL_METHOD}="tools/call"}}'
PRE_STOP_SECONDS: Final = "1"
Revision = Callable[..., dict[str, Any]]
"""Makes the request of a call in one revision of MCP."""


def rendered() -> list[Manifest]:
    """The objects of the stack: `front` and `side` call `vault`, and only `front` may call `delete`."""
    vault = local_stack.arguments(
        command=SCRIPT, callers=["front", "side"], tools={"delete": {"allow": ["front"]}}, replicas=1
    )
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": ["mcp-system"]})
    return [
        *cluster.mesh_manifests(mesh),
        *service.service_manifests("front", local_stack.arguments(replicas=1)),
        *service.service_manifests("side", local_stack.arguments(replicas=1)),
        *service.service_manifests("vault", vault),
    ]


@dataclass
class Replica:
    """The pod of `vault` in its namespace: the process, and a sidecar per address."""

    link: Link
    process: Engine
    keys: Mapping[str, KeyFiles]

    def call(self, caller: str, address: str, request: dict[str, Any]) -> httpx2.Response:
        """A request of another pod's sidecar to this pod's."""
        headers = request["headers"] | HOST
        url = f"https://{host_and_port(address, INBOUND_PORT)}{contract.MCP_PATH}"

        def send() -> httpx2.Response:
            with httpx2.Client(verify=as_peer(self.keys[caller]), trust_env=False, timeout=30) as http:
                return http.post(url, **request | {"headers": headers})

        return self.link.node.run(send)

    def direct(self, address: str, request: dict[str, Any]) -> httpx2.Response:
        """A request from the node to the process, around the sidecar."""
        headers = request["headers"] | HOST
        url = f"http://{host_and_port(address, contract.MCP_PORT)}{contract.MCP_PATH}"
        return self.link.node.run(lambda: httpx2.post(url, **request | {"headers": headers}, trust_env=False))

    def probe(self, address: str, path: str, port: int = contract.MANAGEMENT_PORT) -> httpx2.Response:
        """A request of the kubelet or Prometheus to the pod's address."""
        url = f"http://{host_and_port(address, port)}{path}"
        return self.link.node.run(lambda: httpx2.get(url, trust_env=False))

    def is_unready(self, address: str) -> bool:
        """Whether the readiness probe fails."""
        return self.probe(address, contract.READINESS_PATH).status_code == 503

    def rejects(self, address: str) -> bool:
        """Whether the process rejects new calls."""
        return self.direct(address, modern("whoami")).status_code == 503

    def sample(self, series: str) -> float:
        """The value of one series."""
        text = self.probe(self.link.addresses[0], contract.METRICS_PATH).text
        return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{series} "))


def as_peer(files: KeyFiles) -> ssl.SSLContext:
    """TLS of a sidecar: its certificate, and any peer of the mesh."""
    context = ssl.create_default_context(cafile=files.root)
    context.check_hostname = False
    context.load_cert_chain(files.chain, files.key)
    return context


def sidecar(mesh: Topology, pod: Pod, files: KeyFiles, address: str) -> Manifest:
    """The rendered sidecar at the pod's address."""
    config = bootstrap.sidecar(mesh, replace(pod, address=address), files)
    names = contract.SIDECAR_ADDRESSES
    source, other = ({"address": each, "port_value": 0} for each in names)
    for each in config["static_resources"]["clusters"]:
        if "upstream_bind_config" in each:
            each["upstream_bind_config"] = {"source_address": source, "extra_source_addresses": [{"address": other}]}
    config["static_resources"]["listeners"] = config["static_resources"]["listeners"][:1]
    return config


@contextmanager
def replica(families: Families, folder: Path) -> Iterator[Replica]:
    """A ready replica in namespaces of these families."""
    mesh = topology(read_stack(rendered()), 1)
    pods = {each.identity.service_account: each for each in mesh.pods}
    vault, keys, envoy = pods["vault"], KeyFolder(folder / "keys"), envoy_program()
    files = {name: keys.files(pod.identity) for name, pod in pods.items()}
    folders = RunFolders(folder, folder / "secrets")
    variables = container_variables(vault, vault.deployment.container, folders)
    assert contract.ENV_BIND_ADDRESS not in variables
    with linked(families) as link, ExitStack() as stack:
        environment = variables | {
            contract.ENV_PRE_STOP_DELAY_SECONDS: PRE_STOP_SECONDS,
            contract.ENV_DATA_DIR: str(folder),
        }
        command = link.pod.command(sys.executable, SCRIPT[1])
        process = stack.enter_context(running(command, folder / "vault.log", environment))
        for address in link.addresses:
            file = folder / f"envoy-{len(address)}.json"
            file.write_text(json.dumps(sidecar(mesh, vault, files["vault"], address)))
            options = ["-c", str(file), "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
            stack.enter_context(running(link.pod.command(str(envoy), *options), file.with_suffix(".log")))
        yield started(Replica(link, process, files))


def started(pod: Replica) -> Replica:
    """The replica, when the process and the sidecars respond."""

    def responds() -> bool:
        try:
            for address in pod.link.addresses:
                pod.probe(address, contract.READINESS_PATH).raise_for_status()
                pod.probe(address, "/ready", ADMIN_PORT).raise_for_status()
        except httpx2.HTTPError:
            return False
        return True

    wait_for(lambda: pod.process.runs() and responds(), "the pod ready")
    return pod


@pytest.fixture(scope="module", params=Families)
def pod(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """One replica per kind of cluster."""
    with replica(request.param, tmp_path_factory.mktemp("pod")) as started_replica:
        yield started_replica


def test_probes_and_metrics_are_served_on_every_address(pod: Replica) -> None:
    """Kubernetes, "Pod Lifecycle": the kubelet probes the pod's address; requirement IP6-5."""
    for address in pod.link.addresses:
        for path in (contract.LIVENESS_PATH, contract.READINESS_PATH):
            assert pod.probe(address, path).status_code == 200
        assert "mcp_server_" in pod.probe(address, contract.METRICS_PATH).text


def test_the_sidecars_connections_keep_the_callers_identity(pod: Replica) -> None:
    """Istio, inbound clusters connect from 127.0.0.6 or ::6; requirement IP6-2: mapped, they are the same peer."""
    for address in pod.link.addresses:
        for request in (modern("whoami"), legacy("whoami")):
            answer = pod.call("front", address, request)
            assert FRONT in answer.text, answer.text
    assert pod.sample(FORGED) == 0


@pytest.mark.parametrize("revision", [modern, legacy])
def test_a_tool_is_open_to_its_allowed_callers_on_every_address(pod: Replica, revision: Revision) -> None:
    """Requirement SEC-3, in every kind of cluster (IP6-5)."""
    for address in pod.link.addresses:
        assert outcome(pod.call("front", address, revision("delete"))) == "ran"
        assert outcome(pod.call("side", address, revision("delete"))) in {"mesh 403", "200 403"}
        assert outcome(pod.call("side", address, revision("whoami"))) == "ran"


@pytest.mark.parametrize(
    "spoofed",
    [
        {},
        {"x_forwarded_for": "127.0.0.6"},
        {"x_forwarded_for": "::ffff:127.0.0.6, ::6"},
        {"forwarded": 'for="[::ffff:127.0.0.6]"'},
        {"x_real_ip": "::6%lo"},
    ],
    ids=str,
)
@pytest.mark.parametrize("revision", [modern, legacy])
def test_a_peer_that_is_not_the_sidecar_names_no_caller(
    pod: Replica, revision: Revision, spoofed: dict[str, str]
) -> None:
    """Requirement SEC-2: a header from the node's address is dropped and counted, mapped or not."""
    element = f"By=spiffe://cluster.local/ns/mcp-system/sa/vault;URI=spiffe://{FRONT}"
    for address in pod.link.addresses:
        before = pod.sample(FORGED)
        answer = pod.direct(address, revision("delete", x_forwarded_client_cert=element, **spoofed))
        assert outcome(answer) in {"403 403", "200 403"}
        assert pod.sample(FORGED) == before + 1


@pytest.mark.parametrize("families", Families)
def test_a_replica_drains_on_every_address(families: Families, tmp_path: Path) -> None:
    """Requirement RUN-1, in every kind of cluster (IP6-5): not ready, in-flight calls finish, then exit 0."""
    with replica(families, tmp_path) as pod, ThreadPoolExecutor() as threads:
        addresses, process = pod.link.addresses, pod.process.process
        calls = [threads.submit(pod.call, "front", address, modern("wait")) for address in addresses]
        wait_for(lambda: pod.sample(ACTIVE) == len(addresses), "the calls in flight")
        process.send_signal(signal.SIGTERM)
        for address in addresses:
            wait_for(partial(pod.is_unready, address), "not ready")
            wait_for(partial(pod.rejects, address), "rejects calls")
            assert pod.probe(address, contract.LIVENESS_PATH).status_code == 200
        process.send_signal(signal.SIGUSR1)
        assert ["released" in call.result(30).text for call in calls] == [True for _ in addresses]
        assert process.wait(30) == 0
