"""The services that the controller asks.

In: their URLs. Out: checked results of their tools, or a ToolError with one line that names the peer.
One client per peer lives as long as the controller: MCP 2026-07-28 has no session, so each call is a request of its
own on a pooled connection, and a peer that restarts is found again by the next call.
Not here: what is asked (service.py), connections that break and calls that are sent again (agents/client).
"""

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

ANSWER_SECONDS: Final = 150.0
"""How long a peer may take: above the time that mcp-llm gives a model."""

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class Peer:
    """One service that can be asked."""

    name: str
    client: ServiceClient

    async def ask(self, answer: type[Answer], tool: str, **arguments: Any) -> Answer:
        """Call the tool and check its result. Raises ToolError, of which the client's DestinationError is one kind."""
        result = await self.client.call_tool(tool, arguments)
        if result.is_error:
            raise ToolError(f"{self.name}: {_text(result)}")
        try:
            return answer.model_validate(result.structured_content)
        except ValidationError as error:
            raise ToolError(f"{self.name}: the result of {tool} is not what was expected") from error


@dataclass(frozen=True)
class Peers:
    """Everyone the controller asks."""

    rag: Peer
    llm: Peer


@asynccontextmanager
async def connected(environment: Mapping[str, str], metrics: CollectorRegistry) -> AsyncIterator[Peers]:
    """Hold the clients, whose requests are counted in `metrics`; sends nothing until something is asked."""
    rag_url = environment.get(ENV_RAG_URL) or DEFAULT_RAG_URL
    llm_url = environment.get(ENV_LLM_SERVICE_URL) or DEFAULT_LLM_SERVICE_URL
    async with (
        ServiceClient(rag_url, timeout_seconds=ANSWER_SECONDS, metrics=metrics) as rag,
        ServiceClient(llm_url, timeout_seconds=ANSWER_SECONDS, metrics=metrics) as llm,
    ):
        yield Peers(Peer("mcp-rag", rag), Peer("mcp-llm", llm))


def _text(result: CallToolResult) -> str:
    texts = (block.text for block in result.content if isinstance(block, TextContent))
    return " ".join(" ".join(texts).split()) or "failed without a reason"
