"""Scale-in order: the real ReplicaSet controller with deletion costs of the real process.

Prometheus scrapes a made-up exporter of sessions per pod; no pod runs, they are only said to be ready.
"""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from bench.dashboards.engine import local_prometheus
from meshed_mcp import contract
from meshed_mcp.agents.autoscaler.pod_deletion_cost import ANNOTATION
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.fast_scaler import pod_deletion_cost as deletion
from meshed_mcp.components.core.manifest import Manifest
from tests.engines import service_account
from tests.engines.api_server import ApiServer
from tests.engines.processes import free_port, running
from tests.engines.waiting import wait_for

pytestmark = pytest.mark.engine("prometheus", "etcd", "kube-apiserver", "kube-controller-manager")

NAMESPACE, SERVER = "default", "marked"
REPLICAS: Final = 6
"""That Kubernetes takes six in the order of their sessions by chance has a probability of 1 in 720."""

LABELS: Final = {contract.LABEL_APP: SERVER}


def replica_set(replicas: int) -> Manifest:
    """The replicas, under the ReplicaSet that a Deployment would have."""
    # No kubelet ends what is deleted, so it may not take time.
    pod = {"terminationGracePeriodSeconds": 0, "containers": [{"name": contract.CONTAINER_NAME, "image": "runtime:1"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": SERVER, "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": pod},
        },
    }


@pytest.fixture
def controller(api_server: ApiServer, find_engine: Callable[[str], Path], tmp_path: Path) -> Iterator[None]:
    """kube-controller-manager with the one controller."""
    command = [
        str(find_engine("kube-controller-manager")), f"--kubeconfig={api_server.kubeconfig}",
        "--controllers=replicaset-controller", "--leader-elect=false", "--bind-address=127.0.0.1",
        f"--secure-port={free_port()}", f"--cert-dir={tmp_path / 'certificates'}",
    ]  # fmt: skip
    with running(command, tmp_path / "kube-controller-manager.log"):
        yield


def pods(server: ApiServer) -> dict[str, Manifest]:
    """The replicas by name."""
    found = server.client.listed("v1", "Pod")
    return {item["metadata"]["name"]: item for item in found if item["metadata"].get("labels") == LABELS}


@pytest.fixture
def replicas(api_server: ApiServer, controller: None) -> Iterator[list[str]]:
    """Ready replicas on a node; their names."""
    assert controller is None
    assert api_server.client.apply(replica_set(REPLICAS)) is None
    wait_for(lambda: len(pods(api_server)) == REPLICAS, "every replica")
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    for name, item in pods(api_server).items():
        path = api_server.client.path(item)
        target = {"apiVersion": "v1", "kind": "Node", "name": "somewhere"}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
        assert api_server.client.http.post(f"{path}/binding", json=binding).is_success
        assert api_server.client.merge(f"{path}/status", {"status": {"phase": "Running", "conditions": [ready]}})
    yield sorted(pods(api_server))
    api_server.client.delete(replica_set(0))
    for item in pods(api_server).values():
        api_server.client.delete(item)


@pytest.fixture
def exporter(replicas: list[str]) -> Iterator[str]:
    """Sessions of every replica: 40 in the first by name, none in the last."""
    held = {name: 40 * (REPLICAS - 1 - number) for number, name in enumerate(replicas)}
    labels = f'namespace="{NAMESPACE}",{contract.LABEL_SERVER}="{SERVER}"'
    lines = [
        f'{contract.METRIC_ACTIVE_SESSIONS}{{{labels},pod="{name}"}} {sessions}' for name, sessions in held.items()
    ]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write("\n".join([*lines, ""]).encode())

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def marker(api_server: ApiServer, exporter: str, tmp_path: Path) -> Iterator[None]:
    """The rendered rules in a real Prometheus, the rendered rights, the process under its own account."""
    raw = {
        "targets": {SERVER: {"profile": "session", "sessions_per_replica": 400}},
        "namespace": NAMESPACE,
        "prometheus_url": "http://prometheus",
        "deletion_cost": {"image": "runtime:1"},
    }
    rendered = deletion.pod_deletion_cost_manifests(AutoscalingPolicyArgs.model_validate(raw))
    assert [refusal for item in rendered if (refusal := api_server.client.apply(item))] == []
    one = {item["kind"]: item for item in rendered}
    groups = [{**group, "interval": "1s"} for group in one["PrometheusRule"]["spec"]["groups"]]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": groups}), encoding="utf-8")
    targets = [{"targets": [exporter]}]
    job = {"job_name": "server", "scrape_interval": "1s", "honor_labels": True, "static_configs": targets}
    (container,) = one["Deployment"]["spec"]["template"]["spec"]["containers"]
    configured = {item["name"]: item["value"] for item in container["env"]}
    with local_prometheus(tmp_path) as (engine, config):
        config.write_text(json.dumps({"rule_files": ["rules.yaml"], "scrape_configs": [job]}), encoding="utf-8")
        engine.reload()
        environment = {
            **configured,
            **service_account.environment(api_server, deletion.NAME, NAMESPACE, tmp_path),
            contract.ENV_PROMETHEUS_URL: str(engine.http.base_url),
            contract.ENV_MANAGEMENT_PORT: str(free_port()),
            contract.ENV_BIND_ADDRESS: "127.0.0.1",
        }
        with running([sys.executable, "-m", deletion.MODULE], tmp_path / "marker.log", environment):
            yield
    for item in rendered:
        api_server.client.delete(item)


def remain(server: ApiServer, count: int) -> bool:
    """Whether so many pods are left."""
    return len(pods(server)) == count


def costs(server: ApiServer) -> list[str | None]:
    """The marks, in the order of the pods' names."""
    return [item["metadata"].get("annotations", {}).get(ANNOTATION) for _, item in sorted(pods(server).items())]


def test_the_replica_with_fewest_sessions_goes_first(api_server: ApiServer, replicas: list[str], marker: None) -> None:
    """Kubernetes, "Pod deletion cost": the lowest is removed first. Requirement SCL-3: drain order."""
    assert marker is None
    wait_for(lambda: costs(api_server) == ["10", "8", "6", "4", "2", "0"], "every mark", 60)
    for left in range(REPLICAS - 1, 0, -1):
        assert api_server.client.apply(replica_set(left)) is None
        wait_for(partial(remain, api_server, left), f"{left} replicas")
        assert sorted(pods(api_server)) == replicas[:left]
