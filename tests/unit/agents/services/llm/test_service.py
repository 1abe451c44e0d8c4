"""mcp-llm with a model behind a real HTTP server on loopback, and without one."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from mcp import Client

from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.agents.services.llm.endpoint import Endpoint
from meshed_mcp.agents.services.llm.service import service

pytestmark = pytest.mark.anyio

TEXT = "Envoy is a proxy. The sidecar of each replica is an Envoy proxy. Lunch is at noon."


@dataclass
class Model:
    """What the endpoint got, and what it answers next."""

    url: str = ""
    status: int = 200
    answer: Any = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    authorization: list[str | None] = field(default_factory=list)

    def says(self, text: str, **usage: object) -> None:
        """Answer as a chat completion."""
        self.answer = {"choices": [{"message": {"role": "assistant", "content": text}}], "usage": usage or None}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    """An OpenAI-compatible endpoint, configured for the service."""
    state = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            state.requests.append({"path": self.path, **body})
            state.authorization.append(self.headers["authorization"])
            answer = state.answer if isinstance(state.answer, bytes) else json.dumps(state.answer).encode()
            self.send_response(state.status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}/v1"
        monkeypatch.setenv("MESHED_MCP_LLM_URL", state.url)
        monkeypatch.setenv("MESHED_MCP_LLM_MODEL", "small-1")
        monkeypatch.setenv("MESHED_MCP_LLM_API_KEY", "secret-key")
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """No endpoint is configured."""
    for name in ("URL", "MODEL", "API_KEY"):
        monkeypatch.delenv(f"MESHED_MCP_LLM_{name}", raising=False)


async def call(tool: str, **arguments: Any) -> Any:
    """Structured result of a call that must succeed."""
    async with Client(service) as client:
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def error_text(tool: str, **arguments: Any) -> str:
    """Text of a call that must fail."""
    async with Client(service) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    (block,) = result.content
    assert block.type == "text"
    assert "\n" not in block.text
    assert "secret-key" not in block.text
    return block.text


async def test_a_prompt_is_sent_as_a_chat_completion(model: Model) -> None:
    """OpenAI API reference, `POST /v1/chat/completions`: model, messages, max_tokens, bearer token."""
    model.says(" Hello. ")
    assert await call("complete", prompt="Greet me", max_tokens=20) == {"text": "Hello.", "model": "small-1"}
    message = {"role": "user", "content": "Greet me"}
    expected = {"path": "/v1/chat/completions", "model": "small-1", "messages": [message], "max_tokens": 20}
    assert model.requests == [expected]
    assert model.authorization == ["Bearer secret-key"]


async def test_a_summary_by_the_model_names_its_method(model: Model) -> None:
    """Requirement SVC-4: the result names its method; the text is sent as the user's, not as an instruction."""
    model.says("Proxies, and lunch.")
    summary = await call("summarize", text=TEXT, sentences=2, question="When is lunch?")
    assert summary == {"text": "Proxies, and lunch.", "method": "model", "model": "small-1"}
    instruction, text = model.requests[0]["messages"]
    assert (instruction["role"], text) == ("system", {"role": "user", "content": TEXT})
    assert "at most 2 sentences" in instruction["content"]
    assert "When is lunch?" in instruction["content"]


async def test_without_a_key_no_authorization_header_is_sent(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Local endpoints often take none; an empty variable counts as unset."""
    monkeypatch.setenv("MESHED_MCP_LLM_API_KEY", "")
    model.says("Hello.")
    await call("complete", prompt="Greet me")
    assert model.authorization == [None]


@pytest.mark.parametrize(
    ("status", "answer", "text"),
    [
        (401, {"error": {"message": "Incorrect\nAPI key"}}, "the model small-1 returned 401: Incorrect API key"),
        (429, {"error": "slow down"}, 'the model small-1 returned 429: {"error": "slow down"}'),
        (500, b"<html>\noops", "the model small-1 returned 500: <html> oops"),
        (503, b"", "the model small-1 returned 503: Service Unavailable"),
        (200, b"not json", "sent no text in choices[0].message.content"),
        (200, {"choices": []}, "sent no text in choices[0].message.content"),
        (200, {"choices": [{"message": {"content": None}}]}, "sent no text in choices[0].message.content"),
        (200, [], "sent no text in choices[0].message.content"),
    ],
)
async def test_an_endpoint_error_is_one_line(model: Model, status: int, answer: Any, text: str) -> None:
    """Requirement SVC-4: errors of the endpoint become one-line tool errors, without the key."""
    model.status, model.answer = status, answer
    assert text in await error_text("complete", prompt="x")
    assert text in await error_text("summarize", text="x")


async def test_an_unreachable_endpoint_is_one_line(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement SVC-4: a configured model that fails is never replaced by an extract."""
    monkeypatch.setenv("MESHED_MCP_LLM_URL", "http://127.0.0.1:1/v1")
    assert "the endpoint of the model small-1 cannot be reached" in await error_text("summarize", text=TEXT)
    assert model.requests == []


@pytest.mark.usefixtures("no_model")
async def test_without_a_model_a_summary_is_extractive_and_names_its_method() -> None:
    """Requirement SVC-4: an extract is never presented as a model's output."""
    expected = {"text": "Lunch is at noon.", "method": "extractive", "model": None}
    assert await call("summarize", text=TEXT, sentences=1, question="When is lunch?") == expected
    assert await call("summarize_extractive", text=TEXT, sentences=1, question="When is lunch?") == expected


@pytest.mark.usefixtures("no_model")
async def test_without_a_model_a_completion_is_rejected_and_names_the_settings() -> None:
    """Requirement SVC-4: without a model, no text is generated."""
    text = await error_text("complete", prompt="x")
    assert "no model is configured; set MESHED_MCP_LLM_URL and MESHED_MCP_LLM_MODEL" in text


async def test_the_prompt_asks_for_an_answer_from_sources() -> None:
    """MCP 2026-07-28, "Prompts"."""
    async with Client(service) as client:
        prompt = await client.get_prompt("answer_from_sources", {"question": "Why?", "sources": "Because."})
    assert "Why?" in str(prompt.messages[0].content)


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"MESHED_MCP_LLM_URL": "http://x/v1"}, "MM0828: MESHED_MCP_LLM_URL is set without MESHED_MCP_LLM_MODEL"),
        (
            {"MESHED_MCP_LLM_URL": "x", "MESHED_MCP_LLM_MODEL": "m"},
            "MM0829: MESHED_MCP_LLM_URL='x' is not a URL; set one",
        ),
    ],
)
def test_a_wrong_endpoint_is_rejected_at_start(environment: dict[str, str], text: str) -> None:
    """Requirement RUN-6: the line names the variable, what is wrong and what to set."""
    with pytest.raises(StartError, match=text):
        Endpoint.from_environment(environment)


def tokens(token_type: str) -> float:
    """Tokens counted so far."""
    labels = {"model": "small-1", "token_type": token_type}
    return service.metrics.get_sample_value("mcp_llm_tokens_total", labels) or 0


async def test_tokens_are_counted_as_the_endpoint_reports_them(model: Model) -> None:
    """OpenAI API, `usage`: what is billed; missing or invalid counts add nothing."""
    before = tokens("input"), tokens("output")
    model.says("yes", prompt_tokens=12, completion_tokens=3)
    async with Client(service) as client:
        await client.call_tool("complete", {"prompt": "Is it?"})
        model.says("yes", prompt_tokens="many", completion_tokens=-1)
        await client.call_tool("complete", {"prompt": "Is it?"})
        model.says("yes")
        await client.call_tool("complete", {"prompt": "Is it?"})
    assert (tokens("input") - before[0], tokens("output") - before[1]) == (12, 3)
