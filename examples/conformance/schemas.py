"""A tool with a hand-written input schema that uses JSON Schema 2020-12 keywords without a Python type.

The schema is the suite's, word for word. Pass the tool to `MCPService(tools=[...])`. The SDK lists the schema
unchanged.
"""

from typing import Any, Final

from mcp.server.mcpserver.tools import Tool

SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def reached(phone: str = "", email: str = "") -> str:
    """Return how a person is reached."""
    return phone or email


HAND_WRITTEN: Final = Tool.from_function(reached, name="json_schema_2020_12_tool").model_copy(
    update={"parameters": SCHEMA}
)
