"""Store of sealed records in the database of a service: PostgreSQL, or a SQLite file."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from meshed_mcp.agents.process.server_login import ServerLogin
from meshed_mcp.agents.user_credentials.stores.store import StoreUnavailableError

if TYPE_CHECKING:
    from meshed_mcp.agents.state.database import Database

SCHEMA: Final = "user_credentials"
VERSIONS: Final = Path(__file__).parent.parent / "versions"
NEVER: Final = 1e12
"""Time of expiry of records that do not expire, in Unix seconds."""

RECORDS: Final = sa.table(
    "user_credential_records",
    sa.column("key", sa.String),
    sa.column("value", sa.Text),
    sa.column("expires_at", sa.Double),
)

T = TypeVar("T")


class DatabaseStore:
    """Records as rows of one table. The first operation connects and migrates."""

    def __init__(self, login: ServerLogin, clock: Callable[[], float] = time.time) -> None:
        """`clock` returns Unix seconds."""
        self._login, self._clock = login, clock
        self._database: Database | None = None

    async def open(self) -> None:
        """Connect and migrate. Raises DatabaseError."""
        from meshed_mcp.agents.state.database import open_database  # noqa: PLC0415 - Alembic logs when it is imported

        self._database = await asyncio.to_thread(open_database, SCHEMA, VERSIONS, self._login)

    async def get(self, key: str) -> str | None:
        """Return the value; None without one. Raises StoreUnavailableError."""
        query = sa.select(RECORDS.c.value).where(RECORDS.c.key == key, RECORDS.c.expires_at > self._clock())

        def read(database: "Database") -> str | None:
            with database.read() as connection:
                return connection.execute(query).scalar_one_or_none()

        return await self._run(read)

    async def put(self, key: str, value: str, seconds: float | None) -> None:
        """Write a value. Raises StoreUnavailableError."""

        def write(database: "Database") -> None:
            with database.write() as connection:
                connection.execute(sa.delete(RECORDS).where(RECORDS.c.key == key))
                connection.execute(sa.insert(RECORDS).values(self._row(key, value, seconds)))

        try:
            await self._run(write)
        except IntegrityError:  # another replica wrote between; the last one wins
            await self._run(write)

    async def add(self, key: str, value: str, seconds: float) -> bool:
        """Write a value unless there is one; delete what has expired. Raises StoreUnavailableError."""

        def write(database: "Database") -> None:
            with database.write() as connection:
                connection.execute(sa.delete(RECORDS).where(RECORDS.c.expires_at <= self._clock()))
                connection.execute(sa.insert(RECORDS).values(self._row(key, value, seconds)))

        try:
            await self._run(write)
        except IntegrityError:
            return False
        return True

    async def delete(self, key: str) -> bool:
        """Delete a value. Raises StoreUnavailableError."""

        def write(database: "Database") -> bool:
            with database.write() as connection:
                return bool(connection.execute(sa.delete(RECORDS).where(RECORDS.c.key == key)).rowcount)

        return await self._run(write)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._database is not None:
            await asyncio.to_thread(self._database.close)

    def _row(self, key: str, value: str, seconds: float | None) -> dict[str, object]:
        return {"key": key, "value": value, "expires_at": NEVER if seconds is None else self._clock() + seconds}

    async def _run(self, work: "Callable[[Database], T]") -> T:
        """Run in a thread. Raises StoreUnavailableError; IntegrityError for a row that is there."""
        if self._database is None:
            raise StoreUnavailableError("the database is not open")
        try:
            return await asyncio.to_thread(work, self._database)
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as error:  # whose text has the parameters of the statement
            raise StoreUnavailableError(f"database: {type(error).__name__}") from None
