"""Smallest useful service: one tool, one resource and one prompt. Copy this file to start your own.

MCPService provides ports, metrics, readiness, drain and registration.
"""

from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from meshed_mcp.agents import MCPService

service = MCPService("mcp-template", version="0.1.0", description="Counts what a text is made of; a service to copy.")


class Measure(BaseModel):
    """Size of a text."""

    characters: int
    words: int
    lines: int
    reading_minutes: float = Field(description="at 200 words a minute")


@service.tool(annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False))
def measure(text: str = Field(max_length=100_000)) -> Measure:
    """Count the characters, words and lines of a text, and estimate how long it takes to read."""
    words = len(text.split())
    return Measure(
        characters=len(text), words=words, lines=len(text.splitlines()), reading_minutes=round(words / 200, 2)
    )


@service.resource("template://about", mime_type="text/plain")
def about() -> str:
    """What this service is for."""
    return "A service to copy. Its tool `measure` counts what a text is made of."


@service.prompt()
def shorten(text: str, words: str = "100") -> str:
    """Ask for a shorter version of a text, checked with the tool `measure`."""
    return f"Shorten the text below to at most {words} words; check the number with the tool `measure`.\n\n{text}"


if __name__ == "__main__":
    service.run()
