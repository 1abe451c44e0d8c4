"""Tools that return every content type, report progress and logs, and fail; names and texts are the suite's.

`TOOLS` maps names to functions. Source: the MCP conformance suite, "Server Implementation Requirements" per scenario.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final

from mcp import MCPError
from mcp.server.mcpserver import Context
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)
from pydantic import AnyUrl, Field

PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
"""An image of one red pixel."""

WAV: Final = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
"""Audio of zero length: 8 kHz, mono, 8 bits."""

STEP_SECONDS: Final = 0.05
"""Pause between two notifications, so that a client receives them one by one."""


def simple_text() -> str:
    """Return text."""
    return "This is a simple text response for testing."


def image_content() -> list[ImageContent]:
    """Return an image."""
    return [ImageContent(type="image", data=PNG, mime_type="image/png")]


def audio_content() -> list[AudioContent]:
    """Return audio."""
    return [AudioContent(type="audio", data=WAV, mime_type="audio/wav")]


def embedded_resource() -> list[EmbeddedResource]:
    """Return an embedded resource."""
    return [embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]


def multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Return text, an image and a resource."""
    text = TextContent(type="text", text="Multiple content types test:")
    resource = embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
    return [text, *image_content(), resource]


def embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    """A text resource as content."""
    return EmbeddedResource(
        type="resource", resource=TextResourceContents(uri=str(AnyUrl(uri)), mime_type=mime_type, text=text)
    )


async def tool_with_logging(context: Context) -> str:
    """Send three log messages before the result."""
    await context.info("Tool execution started")
    await asyncio.sleep(STEP_SECONDS)
    await context.info("Tool processing data")
    await asyncio.sleep(STEP_SECONDS)
    await context.info("Tool execution completed")
    return "logged three times"


async def tool_with_progress(context: Context) -> str:
    """Report progress at 0, 50 and 100 of 100."""
    for done in (0, 50, 100):
        await context.report_progress(done, 100, f"Completed step {done} of 100")
        await asyncio.sleep(STEP_SECONDS)
    return "progress was reported three times"


def error_handling() -> str:
    """Always fail."""
    raise RuntimeError("This tool intentionally returns an error for testing")


def missing_capability(context: Context) -> str:
    """Fail with a protocol error unless the client declares sampling."""
    capabilities = context.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="this tool needs a client that declares sampling",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return "the client declares sampling"


def mirrored_header(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "nowhere",
) -> str:
    """Return an argument that clients mirror in the header Mcp-Param-Region."""
    return region


async def reconnection(context: Context) -> str:
    """Close the event stream during the call; the client resumes it."""
    await context.info("before the stream closes")
    await context.close_sse_stream()
    await asyncio.sleep(4 * STEP_SECONDS)
    await context.info("after the stream closed")
    return "Reconnection test completed"


TOOLS: Final[dict[str, Callable[..., Any]]] = {
    "test_simple_text": simple_text,
    "test_image_content": image_content,
    "test_audio_content": audio_content,
    "test_embedded_resource": embedded_resource,
    "test_multiple_content_types": multiple_content_types,
    "test_tool_with_logging": tool_with_logging,
    "test_logging_tool": tool_with_logging,
    "test_tool_with_progress": tool_with_progress,
    "test_error_handling": error_handling,
    "test_missing_capability": missing_capability,
    "test_x_mcp_header": mirrored_header,
    "test_reconnection": reconnection,
}
"""Tools by the names that the suite calls."""
