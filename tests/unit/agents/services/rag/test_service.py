"""Ingest and ranked search through the official client, on both databases."""

from typing import Any

import pytest
from mcp import Client, MCPError

from meshed_mcp.agents.services.rag.service import service

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("own_database")]

DOCUMENTS = {
    "Sidecars": "Each replica of a service has its own sidecar. The sidecar encrypts calls with mutual TLS.",
    "Autoscaling": "The autoscaler adds a replica when calls in flight rise. It never removes one that is draining.",
    "Cooking": "Boil the pasta in salted water. Drain it, and serve it with oil.",
}


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """Structured result of a call that must succeed."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def titles(client: Client, question: str, **arguments: Any) -> list[str]:
    """Titles of the hits, best first."""
    found = await call(client, "search", question=question, **arguments)
    return [hit["title"] for hit in found["hits"]]


async def ingest(client: Client, documents: dict[str, str]) -> None:
    """Keep the documents."""
    for title, text in documents.items():
        await call(client, "ingest", title=title, text=text)


async def test_the_best_document_comes_first_and_unrelated_ones_are_left_out() -> None:
    """Requirement SVC-1: ranked full-text search; any word of the question matches."""
    async with Client(service) as client:
        await ingest(client, DOCUMENTS)
        assert await titles(client, "Who encrypts calls with TLS?") == ["Sidecars", "Autoscaling"]
        assert await titles(client, "salted water") == ["Cooking"]
        assert await titles(client, "replica", limit=1) in (["Sidecars"], ["Autoscaling"])


async def test_word_forms_match() -> None:
    """SQLite FTS5 `porter`, PostgreSQL `english`: both reduce English words to stems."""
    async with Client(service) as client:
        await ingest(client, DOCUMENTS)
        assert await titles(client, "encrypted replicas") == ["Sidecars", "Autoscaling"]


async def test_a_word_in_the_title_ranks_higher_than_one_in_the_text() -> None:
    """Requirement SVC-1: titles state what a document is about."""
    async with Client(service) as client:
        await ingest(
            client, {"A note": "Envoy is mentioned here once.", "Envoy": "A proxy is described here at length."}
        )
        assert await titles(client, "envoy") == ["Envoy", "A note"]


async def test_scores_decrease_from_hit_to_hit() -> None:
    """Requirement SVC-1: a higher score is better, on either database."""
    async with Client(service) as client:
        await ingest(client, DOCUMENTS)
        scores = [hit["score"] for hit in (await call(client, "search", question="sidecar replica calls"))["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)


async def test_a_snippet_is_the_matching_part_of_a_long_text() -> None:
    """Requirement SVC-1: a hit can be read without fetching the document."""
    filler = "Nothing of interest is written in this sentence. " * 200
    async with Client(service) as client:
        await ingest(client, {"Long": f"{filler}The password is swordfish. {filler}"})
        (hit,) = (await call(client, "search", question="swordfish"))["hits"]
    assert "The password is swordfish" in hit["snippet"]
    assert len(hit["snippet"]) < 1000


async def test_a_document_with_the_same_title_is_replaced() -> None:
    """MCP 2026-07-28, "Tools": the tool declares that it is idempotent and destructive."""
    async with Client(service) as client:
        await ingest(client, {"Sidecars": "An old text about elephants."})
        await ingest(client, {"Sidecars": DOCUMENTS["Sidecars"]})
        assert await titles(client, "elephants") == []
        assert await titles(client, "mutual TLS") == ["Sidecars"]


@pytest.mark.parametrize(
    "question",
    [
        '"',
        "'",
        "a AND OR NOT",
        "title:x",
        "x*",
        "(",
        "^x",
        "-- drop",
        "x' | 'y",
        "\\",
        "NEAR(a b)",
        "!!!",
        "the of and",
    ],
)
async def test_a_question_is_words_and_never_query_syntax(question: str) -> None:
    """Requirement SVC-1: callers cannot use the query languages of the databases."""
    async with Client(service) as client:
        await ingest(client, DOCUMENTS)
        assert await titles(client, question) == []


async def test_words_of_other_scripts_are_found() -> None:
    """Unicode: words are not ASCII only."""
    async with Client(service) as client:
        await ingest(client, {"Straße": "Die Größe der Straße.", "日本": "東京 は 首都 です"})
        assert await titles(client, "größe") == ["Straße"]
        assert await titles(client, "首都") == ["日本"]


async def test_the_whole_document_is_a_resource() -> None:
    """MCP 2026-07-28, "Resources": templates; an unknown one is invalid parameters (SEP-2164)."""
    async with Client(service) as client:
        kept = await call(client, "ingest", title="Sidecars", text=DOCUMENTS["Sidecars"])
        assert kept["characters"] == len(DOCUMENTS["Sidecars"])
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "document://{identifier}"
        assert DOCUMENTS["Sidecars"] in str((await client.read_resource(kept["uri"])).contents[0])
        with pytest.raises(MCPError, match="there is no document '0'; use the id of a hit of `search`"):
            await client.read_resource("document://0")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("ingest", {"title": "", "text": "x"}),
        ("ingest", {"title": "x" * 201, "text": "x"}),
        ("ingest", {"title": "x", "text": "x" * 200_001}),
        ("search", {"question": ""}),
        ("search", {"question": "x" * 2001}),
        ("search", {"question": "x", "limit": 21}),
    ],
)
async def test_an_argument_out_of_bounds_is_rejected(tool: str, arguments: dict[str, Any]) -> None:
    """Requirement SVC-1: every input is bounded."""
    async with Client(service) as client:
        assert (await client.call_tool(tool, arguments)).is_error
