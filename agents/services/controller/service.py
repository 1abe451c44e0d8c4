"""The service mcp-controller: remember texts and answer questions from them, with sources."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from meshed_mcp.agents import MCPService
from meshed_mcp.agents.services import RELEASE
from meshed_mcp.agents.services.controller.peers import Peers, connect_peers

NAME = "mcp-controller"

Title = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=200_000)]
Question = Annotated[str, Field(min_length=1, max_length=2000)]
SourceCount = Annotated[int, Field(ge=1, le=20)]
REPLACES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)


class Remembered(BaseModel):
    """ID and resource URI of a text in mcp-rag."""

    id: str
    uri: str


class Source(BaseModel):
    """A document that the answer is based on."""

    id: str
    title: str
    snippet: str
    score: float


class Answer(BaseModel):
    """An answer with its sources; `method` is "none" if no document matches the question."""

    text: str
    method: Literal["model", "extractive", "none"]
    model: str | None
    sources: list[Source]


class _Found(BaseModel):
    hits: list[Source]


class _Summary(BaseModel):
    text: str
    method: Literal["model", "extractive"]
    model: str | None = None


@asynccontextmanager
async def _lifespan(_: MCPServer[Peers]) -> AsyncIterator[Peers]:
    async with connect_peers(os.environ, service.metrics) as peers:
        yield peers


service = MCPService(
    NAME, version=RELEASE, description="Answers questions from remembered texts, with sources.", lifespan=_lifespan
)
Request = Context[Peers, Any]


@service.tool(annotations=REPLACES)
async def remember(title: Title, text: Text, ctx: Request) -> Remembered:
    """Store a text so that `answer` can use it; it replaces a text with the same title."""
    return await ctx.request_context.lifespan_context.rag.call(Remembered, "ingest", title=title, text=text)


@service.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=True))
async def answer(question: Question, ctx: Request, sources: SourceCount = 5) -> Answer:
    """Answer a question from the remembered texts, with the sources; says so if no text matches."""
    peers = ctx.request_context.lifespan_context
    await ctx.report_progress(0, 2, "searching")
    found = await peers.rag.call(_Found, "search", question=question, limit=sources)
    if not found.hits:
        return Answer(text="No remembered text fits this question.", method="none", model=None, sources=[])
    await ctx.report_progress(1, 2, "summarizing")
    passages = "\n\n".join(f"{hit.title}.\n\n{hit.snippet}" for hit in found.hits)
    summary = await peers.llm.call(_Summary, "summarize", text=passages, question=question)
    await ctx.report_progress(2, 2, "done")
    return Answer(text=summary.text, method=summary.method, model=summary.model, sources=found.hits)
