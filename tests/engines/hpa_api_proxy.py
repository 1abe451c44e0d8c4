"""Proxy of the API server with simulated Deployments and metrics, for the real HPA controller.

Everything else passes through. At each of its syncs the controller reads a Deployment's size and one external metric,
here the next value of a script, and writes the size it wants, which is the Deployment's size from then on.
"""

import base64
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.engines.processes import free_port
from tests.engines.waiting import wait_for

HOP_HEADERS: Final = frozenset({"host", "authorization", "connection", "transfer-encoding", "content-length"})
"""Hop-by-hop headers, and those that the proxy sets."""


class Workload:
    """A simulated Deployment: its replicas, its loads, and its replicas after each sync."""

    def __init__(self, size: int, loads: list[float]) -> None:
        self.size, self.loads = size, loads
        self.sizes: list[int] = []
        self.syncs = 0

    def next_load(self) -> float:
        """The load of this sync; records the replicas after the previous one."""
        if self.syncs:
            self.sizes.append(self.size)
        load = self.loads[min(self.syncs, len(self.loads) - 1)]
        self.syncs += 1
        return load

    @property
    def is_over(self) -> bool:
        """Whether every load was consumed."""
        return len(self.sizes) >= len(self.loads)


class Front:
    """The ASGI application: workloads by name, and a client of the API server."""

    def __init__(self, kubeconfig: Path, workloads: dict[str, Workload]) -> None:
        content = yaml.safe_load(kubeconfig.read_text())
        cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
        trust = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.workloads = workloads
        self._http = httpx.AsyncClient(
            base_url=cluster["server"],
            verify=ssl.create_default_context(cadata=trust),
            headers={"Authorization": f"Bearer {user['token']}"},
            timeout=None,  # watches last  # noqa: S113
            trust_env=False,
        )
        self.app = Starlette(
            routes=[
                Route("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}", self.metric),
                Route(
                    "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale", self.scale, methods=["GET", "PUT"]
                ),
                Route("/{path:path}", self.passed_on, methods=["GET", "PUT", "POST", "PATCH", "DELETE"]),
            ],
            lifespan=self.connected,
        )

    @contextlib.asynccontextmanager
    async def connected(self, _: Starlette) -> AsyncIterator[None]:
        """Close the client with the application."""
        async with self._http:
            yield

    async def metric(self, request: Request) -> Response:
        """The next load of the workload with the name of the metric."""
        value = self.workloads[request.path_params["metric"]].next_load()
        item = {"metricName": request.path_params["metric"], "metricLabels": {}, "timestamp": "2026-01-01T00:00:00Z"}
        items = [{**item, "value": f"{round(value * 1000)}m"}]
        kind = {"kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": {}}
        return JSONResponse({**kind, "items": items})

    async def scale(self, request: Request) -> Response:
        """Read or write the replicas of a workload."""
        name = request.path_params["name"]
        workload = self.workloads[name]
        if request.method == "PUT":
            workload.size = (await request.json())["spec"]["replicas"]
        return JSONResponse(scale_object(name, request.path_params["namespace"], workload.size))

    async def passed_on(self, request: Request) -> Response:
        """Stream the response of the API server; watches have no end."""
        headers = {name: value for name, value in request.headers.items() if name not in HOP_HEADERS}
        asked = self._http.build_request(
            request.method, request.url.path, params=request.query_params, headers=headers, content=await request.body()
        )
        answer = await self._http.send(asked, stream=True)
        kept = {name: value for name, value in answer.headers.items() if name not in HOP_HEADERS}
        return StreamingResponse(
            raw(answer), answer.status_code, headers=kept, background=BackgroundTask(answer.aclose)
        )


async def raw(answer: httpx.Response) -> AsyncIterator[bytes]:
    """Stream the body; the API server ends watches when it stops."""
    with contextlib.suppress(httpx.TransportError):
        async for part in answer.aiter_raw():
            yield part


def scale_object(name: str, namespace: str, size: int) -> dict[str, Any]:
    """The scale of a Deployment. Source: Kubernetes, autoscaling/v1, Scale."""
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": size},
        "status": {"replicas": size, "selector": f"app={name}"},
    }


@contextlib.contextmanager
def served(front: Front) -> Iterator[str]:
    """Run the proxy during the block; yields its address."""
    port = free_port()
    settings = uvicorn.Config(front.app, "127.0.0.1", port, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: server.started, "the front of the API server")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
