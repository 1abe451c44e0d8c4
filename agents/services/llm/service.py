"""The service mcp-llm: completions and summaries by a model; without one, extractive summaries."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import httpx
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from prometheus_client import Counter
from pydantic import BaseModel, Field

from meshed_mcp import contract
from meshed_mcp.agents import MCPService
from meshed_mcp.agents.services import RELEASE
from meshed_mcp.agents.services.llm.endpoint import (
    ENV_LLM_MODEL,
    ENV_LLM_URL,
    TIMEOUT_SECONDS,
    Endpoint,
    EndpointError,
    Message,
)
from meshed_mcp.agents.services.llm.extraction import extractive_summary

NAME = "mcp-llm"
SUMMARY_TOKENS = 1024  # maximum length of a model's summary
Text = Annotated[str, Field(min_length=1, max_length=200_000)]
Prompt = Annotated[str, Field(min_length=1, max_length=200_000)]
Tokens = Annotated[int, Field(ge=1, le=32_768)]
Sentences = Annotated[int, Field(ge=1, le=20)]
Question = Annotated[
    str, Field(max_length=2000, description="question for the summary to answer; empty = summarize the whole text")
]

EXTRACTS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
ASKS_A_MODEL = ToolAnnotations(read_only_hint=True, idempotent_hint=False, open_world_hint=True)


class Completion(BaseModel):
    """A model's completion."""

    text: str
    model: str


class Summary(BaseModel):
    """A summary by a model, or of sentences extracted from the text."""

    text: str
    method: Literal["model", "extractive"]
    model: str | None = Field(default=None, description="the model's name; none for an extractive summary")


@dataclass(frozen=True)
class Model:
    """The configured endpoint, if any, and its HTTP client."""

    endpoint: Endpoint | None
    http: httpx.AsyncClient

    async def complete(self, *messages: Message, max_tokens: int) -> Completion:
        """Return the model's completion. Raises ToolError."""
        if self.endpoint is None:
            raise ToolError(
                f"no model is configured; set {ENV_LLM_URL} and {ENV_LLM_MODEL}, or use summarize_extractive"
            )
        try:
            text = await self.endpoint.complete(self.http, messages, max_tokens, self.count_tokens)
        except EndpointError as error:
            raise ToolError(str(error)) from None
        return Completion(text=text, model=self.endpoint.model)

    def count_tokens(self, token_type: str, tokens: int) -> None:
        """Count tokens of the model."""
        if self.endpoint is not None:
            TOKENS.labels(self.endpoint.model, token_type).inc(tokens)


@asynccontextmanager
async def _lifespan(_: MCPServer[Model]) -> AsyncIterator[Model]:
    endpoint = Endpoint.from_environment(os.environ)
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
        yield Model(endpoint, http)


service = MCPService(
    NAME,
    version=RELEASE,
    description="Completions and summaries by a model; without one, extractive summaries.",
    lifespan=_lifespan,
)
TOKENS = Counter(
    contract.METRIC_LLM_TOKENS, "Tokens of models, by type.", ("model", "token_type"), registry=service.metrics
)
Request = Context[Model, Any]


@service.tool(annotations=ASKS_A_MODEL)
async def complete(prompt: Prompt, ctx: Request, max_tokens: Tokens = SUMMARY_TOKENS) -> Completion:
    """Complete a prompt with the configured model. Fails if no model is configured."""
    return await ctx.request_context.lifespan_context.complete(
        Message(role="user", content=prompt), max_tokens=max_tokens
    )


@service.tool(annotations=ASKS_A_MODEL)
async def summarize(text: Text, ctx: Request, sentences: Sentences = 3, question: Question = "") -> Summary:
    """Summarize a text in a few sentences, by the configured model.

    Without a model the summary is extractive: unchanged sentences of the text, chosen by word frequency. The result's
    `method` says which.
    """
    model = ctx.request_context.lifespan_context
    if model.endpoint is None:
        return summarize_extractive(text, sentences, question)
    instruction = f"Summarize the user's text in at most {sentences} sentences. Use nothing but the text."
    if question:
        instruction += f" Answer this question with it, and say so if it holds no answer: {question}"
    completion = await model.complete(
        Message(role="system", content=instruction), Message(role="user", content=text), max_tokens=SUMMARY_TOKENS
    )
    return Summary(text=completion.text, method="model", model=completion.model)


@service.tool(annotations=EXTRACTS)
def summarize_extractive(text: Text, sentences: Sentences = 3, question: Question = "") -> Summary:
    """Pick the sentences of a text that carry most of it, unchanged, by word frequency; no model, nothing generated."""
    return Summary(text=extractive_summary(text, sentences, question), method="extractive")


@service.prompt()
def answer_from_sources(question: str, sources: str) -> str:
    """Ask for an answer from the given sources only."""
    return (
        f"Answer the question from the sources alone, and name the ones you used.\n\n{question}\n\nSources:\n{sources}"
    )
