"""Directory of organizations and members in a database."""

from typing import Any, Final, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import IntegrityError

from meshed_mcp.agents.state.database import Database

ORGANIZATIONS: Final = sa.table(
    "organization_organizations", sa.column("name", sa.String), sa.column("description", sa.String)
)
MEMBERS: Final = sa.table(
    "organization_members", *(sa.column(name, sa.String) for name in ("organization", "email", "name", "role"))
)

Role = Literal["owner", "member", "guest"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class Organization(_Row):
    """An organization; its name is unique."""

    name: str
    description: str


class Member(_Row):
    """A member of an organization; the email address is unique within it."""

    organization: str
    email: str
    name: str
    role: Role


class DirectoryError(LookupError):
    """A name exists already or does not exist; the message is one line."""


class Directory:
    """The directory. Every method is one blocking transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, description: str) -> Organization:
        """Add an organization. Raises DirectoryError if the name exists."""
        row = {"name": name, "description": description}
        try:
            with self._database.write() as connection:
                connection.execute(sa.insert(ORGANIZATIONS).values(row))
        except IntegrityError:
            raise DirectoryError(f"the organization {name!r} exists already; choose another name") from None
        return Organization(**row)

    def add(self, member: Member) -> Member:
        """Add a member, or update the one with this address. Raises DirectoryError."""
        with self._database.write() as connection:
            # Lock the organization's row: two writers must not both insert one address.
            _find_organization(connection, member.organization, locked=True)
            same = (MEMBERS.c.organization == member.organization) & (MEMBERS.c.email == member.email)
            changed = connection.execute(sa.update(MEMBERS).where(same).values(name=member.name, role=member.role))
            if changed.rowcount == 0:
                connection.execute(sa.insert(MEMBERS).values(member.model_dump()))
        return member

    def organization(self, name: str) -> Organization:
        """Return the organization. Raises DirectoryError."""
        with self._database.read() as connection:
            return _find_organization(connection, name)

    def organizations(self, limit: int, after: str) -> list[Organization]:
        """Return at most `limit` organizations by name, after `after`."""
        query = sa.select(ORGANIZATIONS).where(ORGANIZATIONS.c.name > after).order_by(ORGANIZATIONS.c.name)
        with self._database.read() as connection:
            return [Organization.model_validate(row) for row in connection.execute(query.limit(limit))]

    def members(self, organization: str, limit: int, after: str) -> list[Member]:
        """Return at most `limit` members by address, after `after`. Raises DirectoryError."""
        query = sa.select(MEMBERS).where(MEMBERS.c.organization == organization, MEMBERS.c.email > after)
        with self._database.read() as connection:
            _find_organization(connection, organization)
            rows = connection.execute(query.order_by(MEMBERS.c.email).limit(limit))
            return [Member.model_validate(row) for row in rows]

    def find(self, text: str, limit: int) -> list[Member]:
        """Return at most `limit` members of any organization whose name or address contains `text`, ignoring case."""
        in_name = MEMBERS.c.name.icontains(text, autoescape=True)
        query = sa.select(MEMBERS).where(in_name | MEMBERS.c.email.icontains(text, autoescape=True))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(MEMBERS.c.organization, MEMBERS.c.email).limit(limit))
            return [Member.model_validate(row) for row in rows]


def _find_organization(connection: sa.Connection, name: str, *, locked: bool = False) -> Organization:
    query: sa.Select[Any] = sa.select(ORGANIZATIONS).where(ORGANIZATIONS.c.name == name)
    row = connection.execute(query.with_for_update() if locked else query).first()
    if row is None:
        raise DirectoryError(f"there is no organization {name!r}; list_organizations shows the names")
    return Organization.model_validate(row)
