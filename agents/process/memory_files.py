"""Files in memory for libraries that read certificates and keys only from a path."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

OWNER_ONLY: Final = 0o600
"""libpq rejects a private key that others may read, as those of a Secret volume are. Source: PostgreSQL, "SSL Support",
"Client Certificates"."""


@contextmanager
def memory_file(text: str) -> Iterator[str]:
    """Yield the path of a file with `text`, which only this user may read and which ends with the block.

    On Linux it is in memory, so a read-only root file system and disks that outlive the pod do not matter.
    """
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile("w") as file:  # mode 0600
            file.write(text)
            file.flush()
            yield file.name
        return
    descriptor = os.memfd_create("meshed-mcp")
    try:
        os.fchmod(descriptor, OWNER_ONLY)
        os.write(descriptor, text.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
