"""Fixtures that start services as processes and stop them at the end of each test."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from meshed_mcp import contract
from tests.behaviors.replicas import POLL_SECONDS, Service, StartService, free_port
from tests.redis_server import RedisServer, redis_server

HERE = Path(__file__).parent


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[StartService]:
    """Start `script` with the given variables and wait until it is ready (or has ended, with `ready=False`)."""
    with starting(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartService]:
    """Same as `start_service`, for a service that several tests share without changing it."""
    with starting(tmp_path_factory.mktemp("shared")) as start:
        yield start


@pytest.fixture
def redis(find_engine: Callable[[str], Path]) -> Iterator[RedisServer]:
    """A running Redis, which the test may stop."""
    server = redis_server(find_engine("redis-server"))
    server.start()
    yield server
    server.stop()


@contextmanager
def starting(folder: Path) -> Iterator[StartService]:
    """Yield the function that starts services with logs and data in `folder`; they end with the block."""
    with ExitStack() as stack:

        def start(script: Path = HERE / "waiting_service.py", *, ready: bool = True, **variables: str) -> Service:
            ports = free_port(), free_port()
            log = folder / f"{ports[0]}.log"
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("MESHED_MCP_")},
                contract.ENV_BIND_ADDRESS: "127.0.0.1",
                contract.ENV_PORT: str(ports[0]),
                contract.ENV_MANAGEMENT_PORT: str(ports[1]),
                contract.ENV_DATA_DIR: str(folder),
                **variables,
            }
            process = subprocess.Popen(
                [sys.executable, script], env=environment, stderr=stack.enter_context(log.open("wb"))
            )
            stack.callback(_end, process)
            service = Service(process, *ports, log)
            deadline = time.monotonic() + 30
            while ready and not service.ready():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, f"not ready: {log.read_text()}"
                time.sleep(POLL_SECONDS)
            return service

        yield start


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
