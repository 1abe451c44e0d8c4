"""Tables of the registry and the queries that read them. Every query omits expired rows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from meshed_mcp.agents.registry.model import Registration, ServerEntry, version_key

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
