"""The databases that registry and services promise to run on: SQLite always, PostgreSQL where it is installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text


@pytest.fixture
def anyio_backend() -> str:
    """The runtime is asyncio's: uvicorn knows no other."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgresql(find_engine: Callable[[str], Path]) -> Iterator[str]:
    """URL, with a place for the database's name, of a PostgreSQL on a socket of its own that is gone at the end."""
    initdb, pg_ctl = find_engine("initdb"), find_engine("pg_ctl")
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())  # PostgreSQL refuses root
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path may have 107 characters at most
    os.chown(folder, user.pw_uid, user.pw_gid)

    def run(*command: str | Path) -> None:
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=60, **identity)

    data, log = str(folder / "data"), str(folder / "log")
    run(initdb, "--pgdata", data, "--auth=trust", "--username=meshed", "--encoding=UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    run(pg_ctl, "start", "--wait", "--pgdata", data, "--log", log, "--options", options)
    try:
        yield f"postgresql+psycopg://meshed@/{{database}}?host={folder}"
    finally:
        run(pg_ctl, "stop", "--mode=immediate", "--pgdata", data)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database, once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/test.db"
    template: str = request.getfixturevalue("postgresql")
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(template.format(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return template.format(database=name)
