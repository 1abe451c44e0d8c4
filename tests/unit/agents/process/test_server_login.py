"""Logins at servers: values of one update, and whether only credentials differ."""

from pathlib import Path
from typing import Any

import pytest

from meshed_mcp.agents.process.secret_files import SecretFile
from meshed_mcp.agents.process.server_login import LoginValues, ServerLogin, fixed_login
from tests.mounted_files import MountedFiles


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("postgresql://ada:b@db:5432/mcp?sslmode=require", True),
        ("postgresql://eve:p%40ss@db:5432/mcp?sslmode=require", True),
        ("postgresql://db:5432/mcp?sslmode=require", True),
        ("postgresql://ada:a@other:5432/mcp?sslmode=require", False),
        ("postgresql://ada:a@db:5433/mcp?sslmode=require", False),
        ("postgresql://ada:a@db:5432/other?sslmode=require", False),
        ("postgresql://ada:a@db:5432/mcp", False),
    ],
)
def test_only_user_and_password_may_differ_at_the_same_server(url: str, *, same: bool) -> None:
    """Requirement ROT-3: an old login is no substitute at another server, which holds other data."""
    first = LoginValues("postgresql://ada:a@db:5432/mcp?sslmode=require", ca="one")
    assert first.is_same_server(LoginValues(url, ca="two")) is same


def test_a_login_is_read_from_one_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement ROT-1: a certificate without its own private key cannot log in."""
    names = ("url", "ca", "certificate", "private_key")
    mounted = MountedFiles(tmp_path / "files", dict.fromkeys(names, "old"))
    login = ServerLogin(*(SecretFile(mounted.path(name)) for name in names))
    read, reads = SecretFile.read, [0]

    def read_while_the_kubelet_writes(self: Any) -> str:
        reads[0] += 1
        if reads[0] == 3:
            mounted.replace(dict.fromkeys(names, "new"))
        return read(self)

    monkeypatch.setattr(SecretFile, "read", read_while_the_kubelet_writes)
    assert login.read() == LoginValues("new", "new", "new", "new")


def test_a_login_shows_no_secret() -> None:
    """Requirement CFG-11: a login may appear in a traceback."""
    login = fixed_login("redis://:hidden@redis")
    assert "hidden" not in f"{login!r}{login.read()!r}"
