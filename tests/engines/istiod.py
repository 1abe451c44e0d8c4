"""A real istiod on a real API server: plain HTTP on loopback, without webhooks and certificates.

What it judges is admission, and the configuration of proxies that it generates from what the API server holds.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from tests.engines.api_client import Object
from tests.engines.api_server import ApiServer
from tests.engines.processes import free_port, running
from tests.engines.waiting import wait_for
from tests.engines.xds_proxy import configuration

START_SECONDS: Final = 90
REQUEST_SECONDS: Final = 60

ENVIRONMENT: Final = {
    "POD_NAME": "istiod",
    "POD_NAMESPACE": "istio-system",
    "ENABLE_CA_SERVER": "false",  # it would write its root into every namespace
}


class Verdict(NamedTuple):
    """Admission result of istiod for one object."""

    allowed: bool
    message: str
    warnings: list[str]


class Istiod:
    """A ready istiod."""

    def __init__(self, http: httpx.Client, xds: str, monitoring: str) -> None:
        self.http, self.xds, self._monitoring = http, xds, monitoring

    def ready(self) -> bool:
        """Whether istiod has read all objects of the API server."""
        try:
            return self.http.get("/ready").is_success
        except httpx.TransportError:
            return False

    def metrics(self) -> str:
        """Metrics in the text format of Prometheus."""
        return self.http.get(f"http://{self._monitoring}/metrics").raise_for_status().text

    def admit(self, item: Object) -> Verdict:
        """Call the validating webhook, as the API server does on create."""
        answer = self.http.post("/validate", json=review(item))
        answer.raise_for_status()
        response = answer.json()["response"]
        return Verdict(
            response["allowed"], response.get("status", {}).get("message", ""), response.get("warnings") or []
        )

    def sidecar(self, pod: Object) -> Any:
        """The configuration of the pod's sidecar."""
        return configuration(self.xds, self.http, "sidecar", pod)

    def gateway(self, pod: Object) -> Any:
        """The configuration of a gateway's pod."""
        return configuration(self.xds, self.http, "router", pod)


def review(item: Object) -> Object:
    """AdmissionReview request. Source: Kubernetes, "Dynamic Admission Control", AdmissionReview v1."""
    group, version = item["apiVersion"].split("/")
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "judged",
            "operation": "CREATE",
            "kind": {"group": group, "version": version, "kind": item["kind"]},
            "name": item["metadata"]["name"],
            "namespace": item["metadata"].get("namespace", ""),
            "object": item,
        },
    }


@contextlib.contextmanager
def started(
    program: Path, api: ApiServer, mesh_config: Object, folder: Path, variables: Mapping[str, str] | None = None
) -> Iterator[Istiod]:
    """Run istiod with a mesh configuration and variables during the block; waits until it has read all objects."""
    settings = folder / "mesh.json"
    settings.write_text(json.dumps(mesh_config))
    web, xds, monitoring = (f"127.0.0.1:{free_port()}" for _ in range(3))
    command = [
        str(program), "discovery", "--registries=Kubernetes", f"--kubeconfig={api.kubeconfig}",
        f"--meshConfig={settings}", f"--httpAddr={web}", f"--grpcAddr={xds}", f"--monitoringAddr={monitoring}",
        "--secureGRPCAddr=", "--httpsAddr=", "--ctrlz_port=0", "--shutdownDuration=0s",
    ]  # fmt: skip
    with (
        running(command, folder / "istiod.log", {**ENVIRONMENT, **(variables or {})}) as engine,
        httpx.Client(base_url=f"http://{web}", timeout=REQUEST_SECONDS, trust_env=False) as http,
    ):
        istiod = Istiod(http, xds, monitoring)
        wait_for(lambda: engine.runs() and istiod.ready(), "istiod ready", START_SECONDS)
        yield istiod
