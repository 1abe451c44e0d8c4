"""A tool whose input schema is written by hand, with the keywords of JSON Schema 2020-12 that Python types do not have.

In: the suite's schema, word for word. Out: a tool for `MCPService(tools=[...])`. The SDK lists the schema as it is.
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
    """Says how somebody is reached."""
    return phone or email


HAND_WRITTEN: Final = Tool.from_function(reached, name="json_schema_2020_12_tool").model_copy(
    update={"parameters": SCHEMA}
)
