"""The service mcp-rag: store documents and search them by the words of a question."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from meshed_mcp.agents import MCPService, Settings
from meshed_mcp.agents.services import RELEASE
from meshed_mcp.agents.services.errors import database_errors
from meshed_mcp.agents.services.rag.index import Hit, Index
from meshed_mcp.agents.state.database import open_database

NAME = "mcp-rag"
VERSIONS = Path(__file__).parent / "versions"

Title = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=200_000)]
Question = Annotated[str, Field(min_length=1, max_length=2000)]
Limit = Annotated[int, Field(ge=1, le=20)]
REPLACES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)


class Ingested(BaseModel):
    """ID and resource URI of a stored document."""

    id: str
    uri: str = Field(description="resource with the whole text")
    characters: int


class SearchResult(BaseModel):
    """Documents that match the question, best first."""

    hits: list[Hit]


@asynccontextmanager
async def _lifespan(_: MCPServer[Index]) -> AsyncIterator[Index]:
    settings = Settings.from_environment(service=NAME)
    with closing(open_database("rag", VERSIONS, settings.database)) as database:
        yield Index(database)


service = MCPService(
    NAME, version=RELEASE, description="Stores documents and finds them by ranked full-text search.", lifespan=_lifespan
)
Request = Context[Index, Any]


@service.tool(annotations=REPLACES)
def ingest(title: Title, text: Text, ctx: Request) -> Ingested:
    """Store a document so that `search` finds it; it replaces a document with the same title."""
    with database_errors():
        document = ctx.request_context.lifespan_context.put(title, text)
    return Ingested(id=document.id, uri=f"document://{document.id}", characters=len(text))


@service.tool(annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False))
def search(question: Question, ctx: Request, limit: Limit = 5) -> SearchResult:
    """Find the documents that best match the words of a question (English; word forms are matched, meaning is not)."""
    with database_errors():
        return SearchResult(hits=ctx.request_context.lifespan_context.search(question, limit))


@service.resource("document://{identifier}", mime_type="text/plain")
def document(identifier: str, ctx: Request) -> str:
    """The whole text of a document."""
    with database_errors(ResourceError):
        found = ctx.request_context.lifespan_context.get(identifier)
    if found is None:
        raise ResourceNotFoundError(f"there is no document {identifier!r}; use the id of a hit of `search`")
    return found.text
