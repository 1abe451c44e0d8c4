"""Catalog of the registry in a database: register, renew, release, look up, list and expire entries.

An entry lives as long as the longest lease of its instances. Expired entries are never returned, swept or not.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.dialects import postgresql, sqlite

from meshed_mcp.agents.registry.model import Lease, NotRegisteredError, Registration, ServerEntry, version_key
from meshed_mcp.agents.state.database import Database

LATEST: Final = "latest"  # alias of the highest live version. Source: official registry API v0.1.
PAGE_LENGTH: Final = 30  # Source: official registry, the default of `limit`
MAX_PAGE_LENGTH: Final = 100  # Source: official registry, the largest `limit`

SERVERS: Final = sa.table(
    "registry_servers",
    *(sa.column(name, sa.String) for name in ("name", "version", "description", "document")),
    *(sa.column(name, sa.Double) for name in ("published_at", "updated_at", "expires_at")),
)
LEASES: Final = sa.table(
    "registry_leases",
    *(sa.column(name, sa.String) for name in ("name", "version", "instance")),
    sa.column("expires_at", sa.Double),
)


class ListQuery(BaseModel):
    """Query parameters of a list. Source: official registry API v0.1, `GET /v0.1/servers`."""

    model_config = ConfigDict(frozen=True)

    search: str = Field("", max_length=200)
    version: str | None = Field(None, max_length=255)
    updated_since: AwareDatetime = datetime.fromtimestamp(0, UTC)
    cursor: str | None = Field(None, max_length=500)
    limit: int = Field(PAGE_LENGTH, ge=1, le=MAX_PAGE_LENGTH)


@dataclass(frozen=True)
class Page:
    """A page of a list; `next_cursor` is None on the last one."""

    registrations: tuple[Registration, ...]
    next_cursor: str | None


class CatalogSize(NamedTuple):
    """Number of live servers (each version counts) and of live leases."""

    servers: int
    leases: int


class Store:
    """The catalog. Every method is one blocking transaction; `clock` returns Unix time in seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def register(self, entry: ServerEntry, instance: str, lease_seconds: int) -> Registration:
        """Add or replace the entry, and grant the instance a lease."""
        now = self._clock()
        lease = Lease(instance=instance, expires_at=now + lease_seconds)
        with self._database.write() as connection:
            # A new registration must not inherit the publication date of an expired row.
            connection.execute(
                _where_server(entry.name, entry.version, sa.delete(SERVERS)).where(SERVERS.c.expires_at <= now)
            )
            connection.execute(self._upsert_server(entry, now, lease.expires_at))
            connection.execute(self._upsert_lease(entry.name, entry.version, lease))
            _update_expiry(connection, entry.name, entry.version, now)
            return _registration(connection, entry.name, entry.version, now)

    def renew(self, name: str, version: str, instance: str, lease_seconds: int) -> Lease:
        """Renew a lease. Raises NotRegisteredError if it or the entry is gone: publish the entry again."""
        now = self._clock()
        lease = Lease(instance=instance, expires_at=now + lease_seconds)
        with self._database.write() as connection:
            _lock(connection, name, version, now)
            held = _where_lease(name, version, instance, sa.select(LEASES)).where(LEASES.c.expires_at > now)
            if connection.execute(held).first() is None:
                raise NotRegisteredError(f"{name} {version}: the instance {instance} holds no lease; publish it again")
            connection.execute(self._upsert_lease(name, version, lease))
            _update_expiry(connection, name, version, now)
        return lease

    def release(self, name: str, version: str, instance: str) -> None:
        """End a lease, and the entry with its last lease. Raises NotRegisteredError without a live entry."""
        now = self._clock()
        with self._database.write() as connection:
            _lock(connection, name, version, now)
            connection.execute(_where_lease(name, version, instance, sa.delete(LEASES)))
            _update_expiry(connection, name, version, now)

    def remove(self, name: str, version: str) -> Registration:
        """Remove an entry with its leases and return it. Raises NotRegisteredError without a live entry."""
        now = self._clock()
        with self._database.write() as connection:
            _lock(connection, name, version, now)
            removed = _registration(connection, name, version, now)
            connection.execute(_where_server(name, version, sa.delete(SERVERS)))
            return removed

    def find(self, name: str, version: str = LATEST) -> Registration:
        """Return the live entry of that name and version. Raises NotRegisteredError."""
        found = self.versions(name)
        for registration in found:
            if registration.is_latest if version == LATEST else registration.entry.version == version:
                return registration
        if not found:
            raise NotRegisteredError(f"{name}: no live server has this name")
        known = ", ".join(registration.entry.version for registration in found)
        raise NotRegisteredError(f"{name}: version {version!r} is not live; live versions: {known}")

    def versions(self, name: str) -> tuple[Registration, ...]:
        """Return the live versions of a server, the latest published first."""
        now = self._clock()
        with self._database.read() as connection:
            return registrations(connection, connection.execute(live_versions(name, now)).all(), now)

    def page(self, query: ListQuery) -> Page:
        """Return a page of live entries by name and version; for `latest` it can be shorter than the limit."""
        now = self._clock()
        with self._database.read() as connection:
            rows = connection.execute(page_query(query, now)).all()
            found = registrations(connection, rows[: query.limit], now)
        if query.version == LATEST:
            found = tuple(registration for registration in found if registration.is_latest)
        last = rows[query.limit - 1] if len(rows) > query.limit else None
        return Page(found, f"{last.name}:{last.version}" if last else None)

    def size(self) -> CatalogSize:
        """Count the live servers and leases."""
        now = self._clock()
        tables = (SERVERS, LEASES)
        counts = [sa.select(sa.func.count()).select_from(table).where(table.c.expires_at > now) for table in tables]
        with self._database.read() as connection:
            return CatalogSize(*(int(connection.execute(count).scalar_one()) for count in counts))

    def remove_expired(self) -> int:
        """Delete expired rows and return the number of entries."""
        now = self._clock()
        with self._database.write() as connection:
            removed = connection.execute(sa.delete(SERVERS).where(SERVERS.c.expires_at <= now)).rowcount
        # A separate transaction prevents a deadlock with a writer that locks a server's row and then a lease.
        with self._database.write() as connection:
            connection.execute(sa.delete(LEASES).where(LEASES.c.expires_at <= now))
        return int(removed)

    def _insert(self, table: sa.TableClause) -> Any:
        """Return an INSERT with ON CONFLICT; SQLAlchemy has one class per dialect."""
        return postgresql.insert(table) if self._database.dialect == "postgresql" else sqlite.insert(table)

    def _upsert_server(self, entry: ServerEntry, now: float, expires_at: float) -> Any:
        content = {"description": entry.description, "document": entry.model_dump_json(by_alias=True)}
        times = {"published_at": now, "updated_at": now, "expires_at": expires_at}
        statement = self._insert(SERVERS).values(name=entry.name, version=entry.version, **content, **times)
        updated_at = sa.case((SERVERS.c.document != content["document"], now), else_=SERVERS.c.updated_at)
        changes = {**content, "updated_at": updated_at}
        return statement.on_conflict_do_update(index_elements=["name", "version"], set_=changes)

    def _upsert_lease(self, name: str, version: str, lease: Lease) -> Any:
        statement = self._insert(LEASES).values(name=name, version=version, **lease.model_dump())
        changes = {"expires_at": lease.expires_at}
        return statement.on_conflict_do_update(index_elements=["name", "version", "instance"], set_=changes)


def _where_server(name: str, version: str, statement: Any) -> Any:
    return statement.where(SERVERS.c.name == name, SERVERS.c.version == version)


def _where_lease(name: str, version: str, instance: str, statement: Any) -> Any:
    return statement.where(LEASES.c.name == name, LEASES.c.version == version, LEASES.c.instance == instance)


def _lock(connection: sa.Connection, name: str, version: str, now: float) -> None:
    """Lock the server's row against the sweep and other writers. Raises NotRegisteredError."""
    if connection.execute(_where_server(name, version, live_servers(now)).with_for_update()).first() is None:
        raise NotRegisteredError(f"{name} {version}: not registered; publish it again")


def _update_expiry(connection: sa.Connection, name: str, version: str, now: float) -> None:
    """Set the entry's expiry to that of its longest live lease; delete an entry without one."""
    longest = sa.select(sa.func.max(LEASES.c.expires_at)).where(
        LEASES.c.name == name, LEASES.c.version == version, LEASES.c.expires_at > now
    )
    expires_at = connection.execute(longest).scalar()
    if expires_at is None:
        connection.execute(_where_server(name, version, sa.delete(SERVERS)))
    else:
        connection.execute(_where_server(name, version, sa.update(SERVERS)).values(expires_at=expires_at))


def _registration(connection: sa.Connection, name: str, version: str, now: float) -> Registration:
    return registrations(connection, connection.execute(_where_server(name, version, live_servers(now))).all(), now)[0]


def live_servers(now: float) -> sa.Select[Any]:
    """Select the entries that have not expired."""
    return sa.select(SERVERS).where(SERVERS.c.expires_at > now)


def live_versions(name: str, now: float) -> sa.Select[Any]:
    """Select the live versions of a server, the latest published first."""
    return live_servers(now).where(SERVERS.c.name == name).order_by(SERVERS.c.published_at.desc(), SERVERS.c.version)


def page_query(query: ListQuery, now: float) -> sa.Select[Any]:
    """Select a page of live entries by name and version, plus one row that shows whether another page follows."""
    found = live_servers(now).where(SERVERS.c.updated_at >= query.updated_since.timestamp())
    if query.search:
        in_name = SERVERS.c.name.icontains(query.search, autoescape=True)
        found = found.where(in_name | SERVERS.c.description.icontains(query.search, autoescape=True))
    if query.version not in {None, LATEST}:
        found = found.where(SERVERS.c.version == query.version)
    if query.cursor is not None:
        name, _, version = query.cursor.partition(":")
        found = found.where(sa.tuple_(SERVERS.c.name, SERVERS.c.version) > (name, version))
    return found.order_by(SERVERS.c.name, SERVERS.c.version).limit(query.limit + 1)


def registrations(connection: sa.Connection, rows: Sequence[Any], now: float) -> tuple[Registration, ...]:
    """Return the rows of SERVERS as Registrations; `is_latest` marks the highest live version of a name."""
    latest = _latest_versions(connection, {row.name for row in rows}, now)
    return tuple(
        Registration(
            entry=ServerEntry.model_validate_json(row.document),
            published_at=row.published_at,
            updated_at=row.updated_at,
            expires_at=row.expires_at,
            is_latest=latest[row.name] == row.version,
        )
        for row in rows
    )


def _latest_versions(connection: sa.Connection, names: set[str], now: float) -> dict[str, str]:
    columns = sa.select(SERVERS.c.name, SERVERS.c.version)
    latest: dict[str, str] = {}
    for name, version in connection.execute(columns.where(SERVERS.c.expires_at > now, SERVERS.c.name.in_(names))):
        latest[name] = max(latest.get(name, version), version, key=version_key)
    return latest
