"""Certificates and keys as files of this process alone."""

import os
import stat
from pathlib import Path

import pytest

from meshed_mcp.agents.process.memory_files import memory_file


@pytest.mark.parametrize("in_memory", [True, False], ids=["memory", "disk"])
def test_a_file_is_private_and_ends_with_its_block(monkeypatch: pytest.MonkeyPatch, *, in_memory: bool) -> None:
    """PostgreSQL, "Client Certificates": libpq takes a private key that only its owner can read."""
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create")
    elif not hasattr(os, "memfd_create"):
        pytest.skip("this system has no files in memory")
    with memory_file("key") as path:
        found = Path(path).stat()
        assert Path(path).read_text() == Path(path).read_text() == "key"
        assert (found.st_uid, stat.S_IMODE(found.st_mode), stat.S_ISREG(found.st_mode)) == (os.geteuid(), 0o600, True)
    assert not Path(path).exists()
