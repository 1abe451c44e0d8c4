"""The setups that the suite tests: the fixture as a single process, and as three replicas behind the local mesh.

Each context manager yields a URL. The fixture and its stack are in examples/conformance.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Final

from suite import ROOT

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.infra.recording import record
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import running
from meshed_mcp.local.translate.endpoints import gateway_url
from meshed_mcp.local.translate.stack import read_stack

PROJECT: Final = ROOT / "examples" / "conformance"
READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
LOOPBACK: Final = "127.0.0.1"


@contextmanager
def direct(legacy: contract.Legacy, folder: Path) -> Iterator[str]:
    """One replica without a proxy."""
    port, management = _free_port(), _free_port()
    settings = {
        contract.ENV_BIND_ADDRESS: LOOPBACK,
        contract.ENV_PORT: str(port),
        contract.ENV_MANAGEMENT_PORT: str(management),
        contract.ENV_DATA_DIR: str(folder / "data"),
        contract.ENV_LEGACY: legacy,
    }
    command = [sys.executable, str(PROJECT / "everything.py")]
    with _process(command, folder / "server.log", settings) as process:
        _wait(process, lambda: _answers(f"http://{LOOPBACK}:{management}{contract.READINESS_PATH}"), folder)
        yield f"http://{LOOPBACK}:{port}{contract.MCP_PATH}"


@contextmanager
def stored(_: contract.Legacy, folder: Path) -> Iterator[str]:
    """One replica with its sessions in Redis, for clients of both eras."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        redis(folder) as url,
        _environment({contract.ENV_SESSION_STORE: contract.SessionStore.REDIS, contract.ENV_REDIS_URL: url}),
        direct(contract.Legacy.STICKY, folder) as endpoint,
    ):
        yield endpoint


@contextmanager
def bare(folder: Path) -> Iterator[str]:
    """The fixture on the official SDK's own HTTP server: without ports, limits and drain of the runtime."""
    port = _free_port()
    command = [sys.executable, str(PROJECT / "everything.py"), str(port)]
    with _process(command, folder / "bare.log", {}) as process:
        _wait(process, lambda: _listens(port), folder)
        yield f"http://{LOOPBACK}:{port}{contract.MCP_PATH}"


@contextmanager
def bridge(legacy: contract.Legacy, folder: Path, upstream: Mapping[str, str]) -> Iterator[str]:
    """One replica of the bridge in front of an upstream: variables of the bridge."""
    port, management = _free_port(), _free_port()
    settings = {
        contract.ENV_BIND_ADDRESS: LOOPBACK,
        contract.ENV_PORT: str(port),
        contract.ENV_MANAGEMENT_PORT: str(management),
        contract.ENV_LEGACY: legacy,
        **upstream,
    }
    command = [sys.executable, "-m", "meshed_mcp.agents.bridge"]
    with _process(command, folder / "bridge.log", settings) as process:
        _wait(process, lambda: _answers(f"http://{LOOPBACK}:{management}{contract.READINESS_PATH}"), folder)
        yield f"http://{LOOPBACK}:{port}{contract.MCP_PATH}"


@contextmanager
def bridged_http(legacy: contract.Legacy, folder: Path) -> Iterator[str]:
    """The bridge in front of the bare fixture."""
    with bare(folder) as url, bridge(legacy, folder, {contract.ENV_UPSTREAM_URL: url}) as bridged:
        yield bridged


@contextmanager
def bridged_stdio(legacy: contract.Legacy, folder: Path) -> Iterator[str]:
    """The bridge in front of the fixture as a stdio server."""
    command = json.dumps([sys.executable, str(PROJECT / "everything.py"), "stdio"])
    with bridge(legacy, folder, {contract.ENV_UPSTREAM_COMMAND: command}) as bridged:
        yield bridged


@contextmanager
def mesh(folder: Path) -> Iterator[str]:
    """The example's stack: three replicas, an Envoy beside each, and the gateway in front."""
    objects = [with_pages_of_this_machine(item) for item in record(PROJECT, "dev").objects]
    folders = RunFolders(state=folder / "dev", secrets=folder / "secrets")
    # The stack names Secrets for both; the local run reads them from its environment instead.
    with (
        redis(folder) as url,
        chdir(PROJECT),
        _environment({contract.ENV_REQUEST_STATE_KEYS: secrets.token_hex(32), contract.ENV_REDIS_URL: url}),
        running(read_stack(objects), _free_port(), folders, lambda _: None) as up,
    ):
        (service,) = up.topology.stack.services
        endpoint = gateway_url(up, service)
        if endpoint is None:
            raise SystemExit(f"{PROJECT}: the service is not exposed")
        # The suite checks that web pages of the server's own host may call it, and only uses `localhost`.
        yield endpoint.replace(LOOPBACK, "localhost")


def with_pages_of_this_machine(item: Manifest) -> Manifest:
    """The object; a Deployment's server also accepts the host `localhost`, as an operator can configure."""
    if item["kind"] == "Deployment":
        for variable in item["spec"]["template"]["spec"]["containers"][0]["env"]:
            if variable["name"] == contract.ENV_ALLOWED_HOSTS:
                variable["value"] += ",localhost,localhost:*"
    return item


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run Redis for the bus between the replicas, in memory. Raises SystemExit."""
    program = shutil.which("redis-server", path=f"{ROOT / '.engines/bin'}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        raise SystemExit("redis-server is not on this machine; run: make engines ENGINES=redis")
    port = _free_port()
    command = [program, "--bind", LOOPBACK, "--port", str(port), "--save", "", "--dir", str(folder)]
    with _process(command, folder / "redis.log", {}) as process:
        _wait(process, lambda: _listens(port), folder)
        yield f"redis://{LOOPBACK}:{port}/0"


@contextmanager
def _process(command: list[str], log: Path, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **settings})
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{process.args!r} did not become ready; see the logs in {folder}")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as response:
            return bool(response.status == 200)  # noqa: PLR2004 - HTTP OK
    except OSError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
