"""The registry's tables and the queries that read them.

In: a query and the present time. Out: SELECT statements and the Registrations of their rows; what has expired is
left out by every one of them. Not here: transactions and writes (store.py), the schema's history (versions/).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from meshed_mcp.agents.registry.model import Registration, ServerEntry, version_key

LATEST: Final = "latest"
"""The version that stands for the highest live one. Source: official registry API v0.1."""

PAGE_LENGTH: Final = 30
"""Source: official registry, the default of `limit`."""

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


@dataclass(frozen=True)
class Query:
    """What to list. `after` is a cursor of an earlier page, `updated_since` in seconds since 1970, UTC."""

    search: str = ""
    version: str | None = None
    updated_since: float = 0.0
    after: str | None = None
    limit: int = PAGE_LENGTH


def live_servers(now: float) -> sa.Select[Any]:
    """All entries that have not expired."""
    return sa.select(SERVERS).where(SERVERS.c.expires_at > now)


def live_versions(name: str, now: float) -> sa.Select[Any]:
    """All live versions of one server, the latest published first."""
    return live_servers(now).where(SERVERS.c.name == name).order_by(SERVERS.c.published_at.desc(), SERVERS.c.version)


def listing(query: Query, now: float) -> sa.Select[Any]:
    """Live entries by name and version; one row more than the page holds tells whether there is another page."""
    found = live_servers(now).where(SERVERS.c.updated_at >= query.updated_since)
    if query.search:
        in_name = SERVERS.c.name.icontains(query.search, autoescape=True)
        found = found.where(in_name | SERVERS.c.description.icontains(query.search, autoescape=True))
    if query.version not in {None, LATEST}:
        found = found.where(SERVERS.c.version == query.version)
    if query.after is not None:
        name, _, version = query.after.partition(":")
        found = found.where(sa.tuple_(SERVERS.c.name, SERVERS.c.version) > (name, version))
    return found.order_by(SERVERS.c.name, SERVERS.c.version).limit(query.limit + 1)


def registrations(connection: sa.Connection, rows: Sequence[Any], now: float) -> tuple[Registration, ...]:
    """The rows of SERVERS as Registrations, each knowing whether it is the latest live version of its name."""
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
