"""Prompts, resources and completion of the fixture; names and texts are the suite's.

`PROMPTS` maps names, and `RESOURCES` maps URIs, to functions.
"""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

import rounds
from contents import PNG, embedded
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    ImageContent,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
)

CITIES: Final = ("Paris", "Parma", "Porto")


def said(text: str) -> UserMessage:
    """One text message."""
    return UserMessage(content=TextContent(type="text", text=text))


def simple() -> list[UserMessage]:
    """A prompt without arguments."""
    return [said("This is a simple prompt for testing.")]


def with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
    """A prompt with two arguments."""
    return [said(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")]


def with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803 - the suite's name
    """A prompt with an embedded resource."""
    resource = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
    return [UserMessage(content=resource), said("Please process the embedded resource above.")]


def with_image() -> list[UserMessage]:
    """A prompt with an image."""
    picture = ImageContent(type="image", data=PNG, mime_type="image/png")
    return [UserMessage(content=picture), said("Please analyze the image above.")]


PROMPTS: Final[dict[str, Callable[..., Any]]] = {
    "test_simple_prompt": simple,
    "test_prompt_with_arguments": with_arguments,
    "test_prompt_with_embedded_resource": with_embedded_resource,
    "test_prompt_with_image": with_image,
    f"{rounds.PREFIX}prompt": rounds.prompt,
}
"""Prompts by the names that the suite requests."""


def static_text() -> str:
    """A text."""
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    """Return an image."""
    return base64.b64decode(PNG)


def from_template(id: str) -> str:  # noqa: A002 - the suite's name
    """A text about the id in the URI."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def watched() -> str:
    """A text resource that clients can subscribe to."""
    return "Watched resource content"


RESOURCES: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "test://static-text": (static_text, "text/plain"),
    "test://static-binary": (static_binary, "image/png"),
    "test://template/{id}/data": (from_template, "application/json"),
    "test://watched-resource": (watched, "text/plain"),
}
"""Resources by URI, with their media types."""


async def completion(
    _reference: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    _context: CompletionContext | None,
) -> Completion:
    """Cities that start with the argument."""
    values = [city for city in CITIES if city.lower().startswith(argument.value.lower())]
    return Completion(values=values, total=len(values), has_more=False)
