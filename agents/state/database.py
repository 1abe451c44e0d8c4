"""The database of one service: a SQLite file in the data folder, or PostgreSQL by URL.

In: a schema's name, its packaged Alembic versions and a URL. Out: a `Database` with the newest schema.
Not here: tables and queries (each service's own modules), the shared Alembic script (state/migrations/env.py).
"""

import threading
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError

from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.contract import ENV_DATA_DIR, ENV_DATABASE_URL
from meshed_mcp.error_codes.runtime import DATABASE_NOT_USABLE, INVALID_DATABASE_URL, UNSUPPORTED_DATABASE

MIGRATIONS: Final = Path(__file__).parent / "migrations"
"""Folder of the Alembic script that all services share; each brings its own versions."""

_ONE_UPGRADE_PER_PROCESS: Final = threading.Lock()  # Alembic's context is a global of the process

_VARIABLES: Final = f"{ENV_DATABASE_URL} and {ENV_DATA_DIR}"

LOCK_WAIT_SECONDS: Final = 10
"""How long a SQLite writer waits for another before it fails."""

CONNECT_SECONDS: Final = 5
"""How long PostgreSQL may take to accept a connection, and how long a call may wait for one to be free."""

SILENCE_MILLISECONDS: Final = 10_000
"""How long sent data may stay unacknowledged: a machine that vanished would hold its callers for a quarter of an hour.

Source: PostgreSQL, libpq, `tcp_user_timeout`; Linux, tcp(7), default of `tcp_retries2`."""


class DatabaseError(StartError):
    """The database is wrongly configured or does not answer; the text is one line and holds no password."""


@dataclass(frozen=True)
class Database:
    """An engine whose transactions say whether they write, because SQLite cannot turn a read lock into a write lock."""

    engine: Engine

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    def read(self) -> Connection:
        """Connection for queries; use it in a `with` block."""
        return self.engine.execution_options(read_only=True).connect()

    def write(self) -> Any:
        """Context manager of a connection in a transaction that is committed at the end, rolled back on an error."""
        return self.engine.begin()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_database(schema: str, versions: Path, url: str) -> Database:
    """Connect to `url` and bring the tables of `schema` to the newest of `versions`; replicas may start at once.

    Raises DatabaseError when the URL is wrong or the database does not answer.
    """
    checked = _checked(url)
    try:
        engine = _sqlite_engine(checked) if checked.get_backend_name() == "sqlite" else _postgresql_engine(checked)
        _migrate(engine, schema, versions)
    except (OperationalError, OSError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        place = checked.render_as_string(hide_password=True)
        raise DatabaseError(
            DATABASE_NOT_USABLE.message(schema=schema, place=place, reason=reason, variables=_VARIABLES)
        ) from None
    return Database(engine)


def _checked(written: str) -> URL:
    try:
        url = make_url(written)
    except ArgumentError:
        raise DatabaseError(INVALID_DATABASE_URL.message(variable=ENV_DATABASE_URL)) from None
    match url.get_backend_name():
        case "sqlite":
            return url
        case "postgresql":
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise DatabaseError(UNSUPPORTED_DATABASE.message(variable=ENV_DATABASE_URL, name=other))


def _postgresql_engine(url: URL) -> Engine:
    # pre_ping: a connection that a fail-over or an idle time-out has closed is replaced before it is used.
    options = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": SILENCE_MILLISECONDS}
    return create_engine(url, pool_pre_ping=True, pool_timeout=CONNECT_SECONDS, connect_args=options)


def _sqlite_engine(url: URL) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": LOCK_WAIT_SECONDS})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late: not before a SELECT, not before DDL
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _migrate(engine: Engine, schema: str, versions: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    with _ONE_UPGRADE_PER_PROCESS, engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(schema.encode())})
        config.attributes["connection"] = connection
        config.attributes["version_table"] = f"{schema}_schema_version"
        command.upgrade(config, "head")
