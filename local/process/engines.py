"""Programs of others that a run uses where this machine has them, and ports for them."""

import os
import shutil
import socket
from pathlib import Path
from typing import Final

ENGINES: Final = Path(".engines") / "bin"
"""Where `make engines` puts programs."""


def engine(name: str) -> Path | None:
    """The program of that name, if there is one here."""
    found = shutil.which(name, path=os.pathsep.join([str(ENGINES), os.environ.get("PATH", "")]))
    return None if found is None else Path(found).resolve()


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
