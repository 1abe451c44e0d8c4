"""A real PostgreSQL in a folder of its own, reached by a socket there, which tests stop and start again."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

COMMAND_SECONDS = 60


class PostgreSQLServer:
    """One server; `start` and `stop` may alternate, its data stays until `remove`."""

    def __init__(self, find_engine: Callable[[str], Path]) -> None:
        self._initdb, self._pg_ctl = find_engine("initdb"), find_engine("pg_ctl")
        # PostgreSQL does not run as root; a socket's path has at most 107 characters.
        user = "nobody"  # codespell:ignore nobody
        self._user = pwd.getpwnam(user) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._data = str(self._folder / "data")
        self._run(
            self._initdb, "--pgdata", self._data, "--auth=trust", "--username=meshed", "--encoding=UTF8", "--no-sync"
        )

    def start(self, more: str = "") -> None:
        """Start and wait until it answers; `more` options override the others."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c fsync=off {more}"
        log = str(self._folder / "log")
        self._run(self._pg_ctl, "start", "--wait", "--pgdata", self._data, "--log", log, "--options", options)

    def stop(self) -> None:
        """End it as a crash does: connections are cut."""
        self._run(self._pg_ctl, "stop", "--mode=immediate", "--pgdata", self._data)

    def remove(self) -> None:
        """Delete the data of a stopped server."""
        shutil.rmtree(self._folder)

    def write(self, name: str, text: str) -> str:
        """Put a file into the data folder, readable for the server alone; returns its path."""
        path = Path(self._data, name)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        os.chown(path, self._user.pw_uid, self._user.pw_gid)
        return str(path)

    def url(self, database: str) -> str:
        """Where clients connect."""
        return f"postgresql+psycopg://meshed@/{database}?host={self._folder}"

    def new_database(self) -> str:
        """URL of an empty database."""
        name = f"test_{uuid.uuid4().hex}"
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url(name)

    def _run(self, *command: str | Path) -> None:
        identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            identity = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        subprocess.run(
            command, check=True, cwd=self._folder, stdout=subprocess.DEVNULL, timeout=COMMAND_SECONDS, **identity
        )
