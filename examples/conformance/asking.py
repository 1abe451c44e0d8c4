"""Tools with server-initiated requests (sampling, elicitation), as in revisions up to 2025-11-25.

`TOOLS` maps names to functions. The tools need a session (`legacy: sticky`), because the client's response is a
separate request.
"""

from collections.abc import Callable
from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp_types import SamplingMessage, TextContent
from pydantic import BaseModel, Field, JsonValue

SINGLE: Final[list[JsonValue]] = ["active", "inactive", "pending"]


class Reply(BaseModel):
    """A form with one text field."""

    response: str = Field(description="What to answer")


class WithDefaults(BaseModel):
    """A default of every primitive type. Source: MCP, SEP-1034; the values are the suite's."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: str = Field("active", json_schema_extra={"enum": SINGLE})
    verified: bool = True


def titled(**titles: str) -> list[JsonValue]:
    """Choices with a title each, in JSON Schema form."""
    return [{"const": value, "title": title} for value, title in titles.items()]


class WithChoices(BaseModel):
    """Every form of choice. Source: MCP, SEP-1330; the names are the suite's."""

    untitledSingle: str = Field(json_schema_extra={"enum": SINGLE})  # noqa: N815 - the suite's name
    titledSingle: str = Field(  # noqa: N815 - the suite's name
        json_schema_extra={"oneOf": titled(value1="First Option", value2="Second Option", value3="Third Option")}
    )
    legacyEnum: str = Field(  # noqa: N815 - the suite's name
        json_schema_extra={"enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]}
    )
    untitledMulti: list[str] = Field(  # noqa: N815 - the suite's name
        json_schema_extra={"items": {"type": "string", "enum": ["option1", "option2", "option3"]}}
    )
    titledMulti: list[str] = Field(  # noqa: N815 - the suite's name
        json_schema_extra={"items": {"anyOf": titled(value1="First Choice", value2="Second Choice")}}
    )


async def sampling(prompt: str, context: Context) -> str:
    """Sample the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    answer = await context.session.create_message([message], max_tokens=100, related_request_id=context.request_id)
    return f"LLM response: {answer.content.text if isinstance(answer.content, TextContent) else answer.content}"


async def elicitation(message: str, context: Context) -> str:
    """Ask the user for one field."""
    return f"User response: {await _asked(context, message, Reply)}"


async def elicitation_with_defaults(context: Context) -> str:
    """Ask the user, with a default for every field."""
    return f"Elicitation completed: {await _asked(context, 'Please review the values', WithDefaults)}"


async def elicitation_with_choices(context: Context) -> str:
    """Ask the user to choose."""
    return f"Elicitation completed: {await _asked(context, 'Please choose', WithChoices)}"


async def _asked(context: Context, message: str, schema: type[BaseModel]) -> str:
    answer = await context.elicit(message, schema)
    content = answer.data.model_dump_json() if answer.action == "accept" else "{}"
    return f"action={answer.action}, content={content}"


TOOLS: Final[dict[str, Callable[..., Any]]] = {
    "test_sampling": sampling,
    "test_elicitation": elicitation,
    "test_elicitation_sep1034_defaults": elicitation_with_defaults,
    "test_elicitation_sep1330_enums": elicitation_with_choices,
}
"""Tools by the names that the suite calls."""
