"""Clients of mcp-rag and mcp-llm, which live as long as the controller and return validated results."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ValidationError

from meshed_mcp.agents import ServiceClient

ENV_RAG_URL: Final = "MESHED_MCP_RAG_URL"
ENV_LLM_SERVICE_URL: Final = "MESHED_MCP_LLM_SERVICE_URL"
DEFAULT_RAG_URL: Final = "http://mcp-rag:8000/mcp"
DEFAULT_LLM_SERVICE_URL: Final = "http://mcp-llm:8000/mcp"
TIMEOUT_SECONDS: Final = 150.0  # timeout of a call; longer than mcp-llm's timeout of a model
Result = TypeVar("Result", bound=BaseModel)


@dataclass(frozen=True)
class Peer:
    """A service that the controller calls."""

    name: str
    client: ServiceClient

    async def call(self, model: type[Result], tool: str, **arguments: Any) -> Result:
        """Call a tool and validate its result. Raises ToolError, including the client's DestinationError."""
        result = await self.client.call_tool(tool, arguments)
        if result.is_error:
            raise ToolError(f"{self.name}: {_text(result)}")
        try:
            return model.model_validate(result.structured_content)
        except ValidationError as error:
            raise ToolError(f"{self.name}: {tool} returned an invalid result") from error


@dataclass(frozen=True)
class Peers:
    """The services that the controller calls."""

    rag: Peer
    llm: Peer


@asynccontextmanager
async def connect_peers(environment: Mapping[str, str], metrics: CollectorRegistry) -> AsyncIterator[Peers]:
    """Open the clients, with their metrics in `metrics`. They connect at the first call."""
    rag_url = environment.get(ENV_RAG_URL) or DEFAULT_RAG_URL
    llm_url = environment.get(ENV_LLM_SERVICE_URL) or DEFAULT_LLM_SERVICE_URL
    async with (
        ServiceClient(rag_url, timeout_seconds=TIMEOUT_SECONDS, metrics=metrics) as rag,
        ServiceClient(llm_url, timeout_seconds=TIMEOUT_SECONDS, metrics=metrics) as llm,
    ):
        yield Peers(Peer("mcp-rag", rag), Peer("mcp-llm", llm))


def _text(result: CallToolResult) -> str:
    texts = (block.text for block in result.content if isinstance(block, TextContent))
    return " ".join(" ".join(texts).split()) or "failed without a message"
