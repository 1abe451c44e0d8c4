"""Every process of the product listens on all addresses of its pod, in IPv4, IPv6 and dual-stack namespaces."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import httpx2
import pytest
import yaml

from meshed_mcp import contract
from meshed_mcp.agents.http.addresses import host_and_port
from meshed_mcp.components.mesh.rate_limit import server as rate_limiting
from meshed_mcp.components.mesh.rate_limit.shared import GRPC_PORT
from meshed_mcp.components.observability.tracing import jaeger_config
from tests.engines.namespaces import Families, Link, linked
from tests.engines.processes import Engine, running
from tests.engines.test_collector import config
from tests.engines.test_shared_rate_limits import mesh
from tests.engines.waiting import wait_for

Find = Callable[[str], Path]
HOSTILE: Final = Path(__file__).parents[1] / "unit" / "agents" / "bridge" / "hostile_server.py"
METRICS: Final = """
import os, threading
from prometheus_client import CollectorRegistry
from meshed_mcp.agents.autoscaler.runner import serve_metrics
serve_metrics(os.environ, CollectorRegistry())
threading.Event().wait()
"""
"""What the fast scaler and its like run beside their loop."""

RUNTIME_PORTS: Final = (contract.MCP_PORT, contract.MANAGEMENT_PORT)


@dataclass(frozen=True)
class Process:
    """A command, its variables, and the ports that other pods reach."""

    command: Sequence[str]
    ports: Sequence[int]
    variables: Mapping[str, str]


def registry(_: Find, folder: Path) -> Process:
    """The registry."""
    return Process([sys.executable, "-m", "meshed_mcp.agents.registry"], RUNTIME_PORTS, data(folder))


def bridge(_: Find, folder: Path) -> Process:
    """The bridge in front of a stdio server."""
    upstream = json.dumps([sys.executable, "-S", str(HOSTILE)])
    variables = data(folder) | {contract.ENV_UPSTREAM_COMMAND: upstream}
    return Process([sys.executable, "-m", "meshed_mcp.agents.bridge"], RUNTIME_PORTS, variables)


def autoscaler(_: Find, __: Path) -> Process:
    """An autoscaler agent's metrics."""
    return Process([sys.executable, "-c", METRICS], [contract.MANAGEMENT_PORT], {})


def collector(name: str) -> Callable[[Find, Path], Process]:
    """The rendered configuration of a collector; spans end in a file."""

    def made(find_engine: Find, folder: Path) -> Process:
        found = config(name)
        found["exporters"] = {"file": {"path": str(folder / "spans.json")}}
        for pipeline in found["service"]["pipelines"].values():
            pipeline["exporters"] = ["file"]
        (folder / "config.yaml").write_text(yaml.safe_dump(found))
        ports = (jaeger_config.OTLP_GRPC_PORT, jaeger_config.OTLP_HTTP_PORT, jaeger_config.METRICS_PORT)
        command = [str(find_engine("collector")), "--config", str(folder / "config.yaml")]
        return Process(command, (*ports, jaeger_config.HEALTH_PORT), {})

    return made


def rate_limits(find_engine: Find, folder: Path) -> Process:
    """The rate limit service."""
    (folder / "config").mkdir()
    (folder / "config" / rate_limiting.RULES_FILE).write_text(rate_limiting.rules_file(mesh()))
    ports = (GRPC_PORT, rate_limiting.HEALTH_PORT, contract.MANAGEMENT_PORT)
    return Process(
        [str(find_engine("ratelimit"))], ports, rate_limiting.environment(str(folder)) | {"REDIS_URL": "127.0.0.1:6379"}
    )


def data(folder: Path) -> dict[str, str]:
    """The folder of a process."""
    return {contract.ENV_DATA_DIR: str(folder)}


def accepts(link: Link, address: str, port: int) -> bool:
    """Whether a connection from the node is accepted, whatever the process makes of the request."""
    url = f"http://{host_and_port(address, port)}/"
    try:
        link.node.run(lambda: httpx2.get(url, trust_env=False, timeout=10))
    except (httpx2.ConnectError, httpx2.ConnectTimeout):
        return False
    except httpx2.HTTPError:  # a port of gRPC
        return True
    return True


@pytest.mark.parametrize("families", Families)
@pytest.mark.parametrize(
    "made",
    [
        pytest.param(registry, id="registry"),
        pytest.param(bridge, id="bridge"),
        pytest.param(autoscaler, id="autoscaler"),
        pytest.param(collector("otel-agent"), id="collector agent"),
        pytest.param(collector("otel-gateway"), id="collector gateway"),
        pytest.param(rate_limits, id="rate limit service"),
    ],
)
def test_every_port_accepts_connections_on_every_address(
    families: Families, made: Callable[[Find, Path], Process], find_engine: Find, tmp_path: Path
) -> None:
    """Requirement IP6-1, and without IPv6 the process starts all the same."""
    process = made(find_engine, tmp_path)
    with linked(families) as link, ExitStack() as stack:
        if made is rate_limits:
            redis = [str(find_engine("redis-server")), "--save", "", "--dir", str(tmp_path)]
            store = stack.enter_context(running(link.pod.command(*redis), tmp_path / "redis.log"))
            wait_for(lambda: "Ready to accept connections" in store.log.read_text(), "Redis")
        command = link.pod.command(*process.command)
        engine = stack.enter_context(running(command, tmp_path / "log", process.variables))
        for address in link.addresses:
            for port in process.ports:
                wait_for(partial(accepted, engine, link, address, port), host_and_port(address, port))


def accepted(engine: Engine, link: Link, address: str, port: int) -> bool:
    """Whether a connection is accepted; raises if the process has ended."""
    engine.check()
    return accepts(link, address, port)
