"""Time from the end of a call until Prometheus can return it in a query.

The service runs behind its Envoy in the local run, and a real Prometheus scrapes it. The result is the seconds from
the end of each call to the first query that counts it. Calls come at all phases of the scrape interval. The interval
and the job are those that the stack renders.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import Final

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from bench.dashboards.engine import free_port, local_prometheus
from meshed_mcp import contract
from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.gateway import gateway_principal, gateway_reference
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceMeshArgs
from meshed_mcp.components.mesh.service.pod_monitor import SCRAPE_SECONDS, SCRAPE_TIMEOUT_SECONDS
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack

HOST, NAMESPACE = "mcp.example.com", "mcp-system"
CALLS: Final = 200
PAUSE_SECONDS: Final = 0.23
LOOK_SECONDS: Final = 0.05
SERVICE, TOOL = "mcp-template", "measure"
LONGEST_SECONDS: Final = 60.0
COUNT: Final = f'sum({contract.METRIC_OPERATION_DURATION}_count{{{contract.LABEL_TOOL}="{TOOL}"}})'


def scrape_config(run: Running) -> dict[str, object]:
    """The scrape configuration that results from the service's PodMonitor."""
    pods = [pod for pod in run.topology.pods if pod.deployment.name == SERVICE]
    return {
        "job_name": SERVICE,
        "scrape_interval": f"{SCRAPE_SECONDS}s",
        "scrape_timeout": f"{SCRAPE_TIMEOUT_SECONDS}s",
        "static_configs": [{"targets": [f"{pod.address}:{contract.MANAGEMENT_PORT}" for pod in pods]}],
    }


def objects() -> list[Manifest]:
    """The service as a stack renders it, two replicas behind a gateway."""
    ingress = {"gateway": gateway_reference(), "host": HOST, "principal": gateway_principal("cluster.local")}
    raw = {
        "image": "registry.example.com/meshed-mcp:1",
        "command": ["python", "-m", "meshed_mcp.agents.services.template"],
        "expose": True,
        "replicas": 2,
        "ingress": ingress,
    }
    mesh = ServiceMeshArgs.model_validate({"domain": HOST, "namespaces": [NAMESPACE]})
    return [
        *cluster.mesh_manifests(mesh),
        *service.service_manifests(SERVICE, MeshedMCPServiceArgs.model_validate(raw)),
    ]


def lags() -> list[float]:
    """Seconds per call."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, local_prometheus(Path(folder)) as (prometheus, config):
        folders = RunFolders(Path(folder) / "state", Path(folder) / "secrets")
        with running(read_stack(objects()), port, folders, lambda _: None) as run:
            config.write_text(json.dumps({"scrape_configs": [scrape_config(run)]}), encoding="utf-8")
            prometheus.reload()
            return anyio.run(measured, prometheus, f"http://127.0.0.1:{port}/{SERVICE}/mcp")


async def measured(prometheus: Prometheus, url: str) -> list[float]:
    """Call and query concurrently."""
    ended: list[float] = []
    seen: list[float] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, url, ended)
        tasks.start_soon(look, prometheus, ended, seen)
    return [round(found - end, 4) for found, end in zip(seen, ended, strict=True)]


async def call(url: str, ended: list[float]) -> None:
    """Call through the gateway; record when each call ended."""
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode="2026-07-28") as client,
    ):
        for number in range(CALLS):
            await client.call_tool(TOOL, {"text": str(number)})
            ended.append(time.monotonic())
            await anyio.sleep(PAUSE_SECONDS)


async def look(prometheus: Prometheus, ended: list[float], seen: list[float]) -> None:
    """Query the number of counted calls until all are counted; record when each was."""
    end = time.monotonic() + CALLS * PAUSE_SECONDS * 2 + LONGEST_SECONDS
    while len(seen) < CALLS and time.monotonic() < end:
        found = await anyio.to_thread.run_sync(prometheus.values, COUNT, time.time())
        counted = int(found[0][1]) if found else 0
        seen += [time.monotonic()] * (min(counted, len(ended)) - len(seen))
        await anyio.sleep(LOOK_SECONDS)
    if len(seen) < CALLS:
        raise TimeoutError(f"only {len(seen)} of {CALLS} calls are counted")
