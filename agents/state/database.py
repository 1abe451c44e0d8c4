"""Database of one service: a SQLite file in the data folder, or PostgreSQL, migrated to the newest schema."""

import threading
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError

from meshed_mcp.agents.process.server_login import ServerLogin, fixed_login
from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.agents.state.postgresql import postgresql_engine
from meshed_mcp.contract import ENV_DATA_DIR, ENV_DATABASE_URL
from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.error_codes.runtime import DATABASE_NOT_USABLE, INVALID_DATABASE_URL, UNSUPPORTED_DATABASE

MIGRATIONS: Final = Path(__file__).parent / "migrations"  # folder of the Alembic script that all services share
_MIGRATION_LOCK: Final = threading.Lock()  # Alembic's context is a process-wide global

_VARIABLES: Final = f"{ENV_DATABASE_URL} and {ENV_DATA_DIR}"
LOCK_TIMEOUT_SECONDS: Final = 10  # timeout of a SQLite writer that waits for another


class DatabaseError(StartError):
    """The database is misconfigured or does not respond. The message is one line without the password."""


@dataclass(frozen=True)
class Database:
    """An engine with read and write transactions, because SQLite cannot upgrade a read lock to a write lock."""

    engine: Engine

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    def read(self) -> Connection:
        """Return a connection for queries; use it in a `with` block."""
        return self.engine.execution_options(read_only=True).connect()

    def write(self) -> Any:
        """Return a context manager of a connection in a transaction, which rolls back on an error."""
        return self.engine.begin()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(schema: str, versions: Path, login: ServerLogin | str) -> Database:
    """Connect and migrate the tables of `schema` to the newest of `versions`, safely for concurrent replicas.

    `login` is `Settings.database`, which rotates, or a SQLAlchemy URL. Raises DatabaseError if the URL is invalid or
    the database does not respond.
    """
    login = fixed_login(login) if isinstance(login, str) else login
    try:
        parsed = _parse_url(login.read().url)
        engine = _sqlite_engine(parsed) if parsed.get_backend_name() == "sqlite" else postgresql_engine(login)
        _migrate(engine, schema, versions)
    except MessageError as error:
        raise DatabaseError(*error.messages) from None
    except (OperationalError, OSError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        place = parsed.render_as_string(hide_password=True)
        raise DatabaseError(
            DATABASE_NOT_USABLE.message(schema=schema, place=place, reason=reason, variables=_VARIABLES)
        ) from None
    return Database(engine)


def _parse_url(value: str) -> URL:
    try:
        url = make_url(value)
    except ArgumentError:
        raise DatabaseError(INVALID_DATABASE_URL.message(variable=ENV_DATABASE_URL)) from None
    match url.get_backend_name():
        case "sqlite" | "postgresql":
            return url
        case other:
            raise DatabaseError(UNSUPPORTED_DATABASE.message(variable=ENV_DATABASE_URL, name=other))


def _sqlite_engine(url: URL) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT_SECONDS})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins no transaction before SELECT and DDL
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
    with _MIGRATION_LOCK, engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(schema.encode())})
        config.attributes["connection"] = connection
        config.attributes["version_table"] = f"{schema}_schema_version"
        command.upgrade(config, "head")
