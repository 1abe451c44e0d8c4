"""SIGTERM before a replica is ready, as process 1 of a PID namespace, as in a container."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from meshed_mcp import contract
from tests.behaviors.replicas import StartService, eventually, free_port

pytestmark = pytest.mark.anyio

NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child")

WITHOUT_HANDLER = """
print("waiting", flush=True)
import time
time.sleep(3600)
"""

IMPORTING = """
import meshed_mcp.agents
"""

SLOW_IMPORT = """
print("waiting", flush=True)
import time
time.sleep(3600)
"""
"""Stands for a library of the SDK that takes long to import."""

SLOW_LIFESPAN = """
import time
from contextlib import asynccontextmanager
from meshed_mcp.agents import MCPService

@asynccontextmanager
async def lifespan(_):
    print("waiting", flush=True)
    {wait}
    yield

MCPService("mcp-slow", lifespan=lifespan).run()
"""

PRESENCE = """
import asyncio, logging, os, signal, sys
from contextlib import asynccontextmanager
from starlette.responses import PlainTextResponse
from meshed_mcp.agents import Settings, serve

@asynccontextmanager
async def presence():
    print("registered", file=sys.stderr, flush=True)
    yield

class SignalWhenReady(logging.Handler):
    def emit(self, record):
        if record.getMessage().startswith("ready on"):
            os.kill(os.getpid(), signal.SIGTERM)

logging.getLogger("meshed_mcp.agents.http.server").addHandler(SignalWhenReady())
serve(PlainTextResponse("ok"), Settings.from_environment(service="mcp-early"), registration=presence())
"""


@dataclass
class FirstProcess:
    """A process that is number 1 of its namespace; its parent outside has another number for it."""

    parent: subprocess.Popen[bytes]

    def say(self) -> bytes:
        """The next line of its standard output; empty when it has ended."""
        assert self.parent.stdout is not None
        return self.parent.stdout.readline()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, as the kubelet does."""
        children = Path(f"/proc/{self.parent.pid}/task/{self.parent.pid}/children").read_text()
        os.kill(int(children), number)


Start = Callable[..., FirstProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a script as process 1 of a new PID namespace."""
    if subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode:
        reason = "this user may not make a PID namespace: run as root, with CAP_SYS_ADMIN"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with ExitStack() as stack:

        def run(script: str, **variables: str) -> FirstProcess:
            path = tmp_path / "first.py"
            path.write_text(script)
            environment = {
                **os.environ,
                contract.ENV_BIND_ADDRESS: "127.0.0.1",
                contract.ENV_PORT: str(free_port()),
                contract.ENV_MANAGEMENT_PORT: str(free_port()),
                contract.ENV_DATA_DIR: str(tmp_path),
                **variables,
            }
            command = [*NAMESPACE, sys.executable, str(path)]
            parent = stack.enter_context(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE))
            stack.callback(parent.kill)
            return FirstProcess(parent)

        yield run


async def ended(process: FirstProcess, *, within_seconds: float = 10) -> int:
    """Exit code of the process."""
    await eventually(lambda: process.parent.poll() is not None, within_seconds=within_seconds)
    return process.parent.returncode


async def test_process_1_without_a_handler_ignores_sigterm(start: Start) -> None:
    """pid_namespaces(7): process 1 gets no signal that it has no handler for, so the next tests can fail."""
    process = start(WITHOUT_HANDLER)
    assert process.say() == b"waiting\n"
    process.signal(signal.SIGTERM)
    with pytest.raises(TimeoutError):
        await ended(process, within_seconds=1)


async def test_sigterm_during_imports_ends_process_1(start: Start, tmp_path: Path) -> None:
    """Kubernetes, "Termination of Pods": the container gets SIGTERM, and only after its grace period SIGKILL."""
    (tmp_path / "prometheus_client.py").write_text(SLOW_IMPORT)
    process = start(IMPORTING, PYTHONPATH=str(tmp_path))
    assert process.say() == b"waiting\n"
    process.signal(signal.SIGTERM)
    assert await ended(process) == 0


@pytest.mark.parametrize("wait", ["time.sleep(3600)", "await __import__('asyncio').sleep(3600)"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_during_start_ends_process_1_at_once(start: Start, number: signal.Signals, wait: str) -> None:
    """Requirement RUN-3: a replica that serves no request has nothing to drain, whether its start blocks or awaits."""
    process = start(SLOW_LIFESPAN.format(wait=wait))
    assert process.say() == b"waiting\n"
    process.signal(number)
    assert await ended(process) == 0


def test_an_import_outside_process_1_changes_no_signal_handler(tmp_path: Path) -> None:
    """POSIX, `signal`: the default action of SIGTERM ends a process; a library leaves it to the program."""
    script = tmp_path / "program.py"
    script.write_text("import os, signal, meshed_mcp.agents\nos.kill(os.getpid(), signal.SIGTERM)\n")
    assert subprocess.run([sys.executable, script], check=False).returncode == -signal.SIGTERM


async def test_a_replica_that_got_sigterm_does_not_register(start_service: StartService, tmp_path: Path) -> None:
    """Requirement RUN-3: the registry never lists a replica that is stopping."""
    script = tmp_path / "early.py"
    script.write_text(PRESENCE)
    service = start_service(script, ready=False)
    assert await service.exit_code(within_seconds=30) == 0
    assert "registered" not in service.log.read_text()
