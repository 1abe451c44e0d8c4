"""The service mcp-organization: tools for the directory of organizations and members."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from meshed_mcp.agents import MCPService, Settings
from meshed_mcp.agents.services import RELEASE
from meshed_mcp.agents.services.errors import database_errors
from meshed_mcp.agents.services.organization.directory import Directory, DirectoryError, Member, Organization, Role
from meshed_mcp.agents.state.database import open_database

NAME = "mcp-organization"
VERSIONS = Path(__file__).parent / "versions"

OrganizationName = Annotated[
    str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", description="lowercase letters, digits and dashes")
]
Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
PersonName = Annotated[str, Field(min_length=1, max_length=200)]
Limit = Annotated[int, Field(ge=1, le=200)]
After = Annotated[str, Field(max_length=254, description="`next_after` of the previous page; empty = from the start")]

READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
REPLACES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)


class OrganizationPage(BaseModel):
    """Organizations by name; `next_after` is empty on the last page."""

    organizations: list[Organization]
    next_after: str


class MemberPage(BaseModel):
    """Members by address; `next_after` is empty on the last page."""

    members: list[Member]
    next_after: str


class MembersFound(BaseModel):
    """Members of any organization; `complete` is false when there are more than the limit allows."""

    members: list[Member]
    complete: bool


@asynccontextmanager
async def _lifespan(_: MCPServer[Directory]) -> AsyncIterator[Directory]:
    settings = Settings.from_environment(service=NAME)
    with closing(open_database("organization", VERSIONS, settings.database)) as database:
        yield Directory(database)


service = MCPService(
    NAME, version=RELEASE, description="Organizations and their members, kept in a database.", lifespan=_lifespan
)
Request = Context[Directory, Any]


@service.tool(annotations=ADDS)
def create_organization(
    name: OrganizationName, ctx: Request, description: Annotated[str, Field(max_length=500)] = ""
) -> Organization:
    """Create an organization. Fails if the name exists."""
    with _tool_errors():
        return _directory(ctx).create(name, description)


@service.tool(annotations=REPLACES)
def add_member(
    organization: OrganizationName, email: Email, name: PersonName, ctx: Request, role: Role = "member"
) -> Member:
    """Add a person to an organization, or update name and role of the member with this address."""
    with _tool_errors():
        return _directory(ctx).add(Member(organization=organization, email=email.lower(), name=name, role=role))


@service.tool(annotations=READS)
def list_organizations(ctx: Request, limit: Limit = 50, after: After = "") -> OrganizationPage:
    """List organizations by name, one page at a time."""
    with _tool_errors():
        found = _directory(ctx).organizations(limit + 1, after)
    more = len(found) > limit
    return OrganizationPage(organizations=found[:limit], next_after=found[limit - 1].name if more else "")


@service.tool(annotations=READS)
def list_members(organization: OrganizationName, ctx: Request, limit: Limit = 50, after: After = "") -> MemberPage:
    """List the members of one organization by address, one page at a time."""
    with _tool_errors():
        found = _directory(ctx).members(organization, limit + 1, after)
    more = len(found) > limit
    return MemberPage(members=found[:limit], next_after=found[limit - 1].email if more else "")


@service.tool(annotations=READS)
def find_members(
    text: Annotated[str, Field(min_length=1, max_length=200)], ctx: Request, limit: Limit = 50
) -> MembersFound:
    """Find members of any organization by a part of their name or email address, ignoring case."""
    with _tool_errors():
        found = _directory(ctx).find(text, limit + 1)
    return MembersFound(members=found[:limit], complete=len(found) <= limit)


@service.resource("organization://{name}", mime_type="application/json")
def organization(name: str, ctx: Request) -> str:
    """One organization as JSON."""
    try:
        with database_errors(ResourceError):
            return _directory(ctx).organization(name).model_dump_json()
    except DirectoryError as error:
        raise ResourceNotFoundError(str(error)) from None


def _directory(ctx: Request) -> Directory:
    return ctx.request_context.lifespan_context


@contextmanager
def _tool_errors() -> Iterator[None]:
    try:
        with database_errors():
            yield
    except DirectoryError as error:
        raise ToolError(str(error)) from None
