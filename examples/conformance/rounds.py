"""Tools and a prompt with multiple rounds: the result requests input, the client calls again with it (2026-07-28).

`TOOLS` maps names to functions. Every round may reach another replica, so the server's state travels sealed in
`request_state`. Source: MCP 2026-07-28, "Multi Round-Trip Requests".
"""

import json
from collections.abc import Callable
from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)


def form(message: str, field: str, kind: str = "string") -> ElicitRequest:
    """A form with one required field."""
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def question(text: str) -> CreateMessageRequest:
    """A sampling request to the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=100))


def filled(context: Context, key: str, field: str) -> str | None:
    """The user's input in `field` of the form `key`; None if there is no such response."""
    answer = (context.input_responses or {}).get(key)
    content = answer.content if isinstance(answer, ElicitResult) else None
    return str(content[field]) if content and field in content else None


def elicitation(context: Context) -> str | InputRequiredResult:
    """Request one form."""
    name = filled(context, "user_name", "name")
    if name is None:
        return InputRequiredResult(input_requests={"user_name": form("What is your name?", "name")})
    return f"Hello, {name}!"


async def streaming_elicitation(context: Context) -> str | InputRequiredResult:
    """Report progress on the stream, then request one form as the result: the stream carries no server request."""
    await context.report_progress(0, 1, "about to ask")
    return elicitation(context)


def sampling(context: Context) -> str | InputRequiredResult:
    """Request one sampling."""
    answer = (context.input_responses or {}).get("capital_question")
    if isinstance(answer, CreateMessageResult) and isinstance(answer.content, TextContent):
        return f"The model said: {answer.content.text}"
    return InputRequiredResult(input_requests={"capital_question": question("What is the capital of France?")})


def list_roots(context: Context) -> str | InputRequiredResult:
    """Request the client's roots."""
    answer = (context.input_responses or {}).get("client_roots")
    if isinstance(answer, ListRootsResult):
        return f"The client has {len(answer.roots)} roots."
    return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})


def request_state(context: Context) -> str | InputRequiredResult:
    """Request a form, with a state that must return unchanged."""
    if filled(context, "confirm", "ok") is not None and context.request_state == "asked":
        return "state-ok"
    requests: dict[str, InputRequest] = {"confirm": form("Please confirm", "ok", "boolean")}
    return InputRequiredResult(input_requests=requests, request_state="asked")


def multiple_inputs(context: Context) -> str | InputRequiredResult:
    """Request a form, a sampling and the roots in one round."""
    requests: dict[str, InputRequest] = {
        "user_name": form("What is your name?", "name"),
        "greeting": question("Write a greeting"),
        "client_roots": ListRootsRequest(),
    }
    if requests.keys() <= (context.input_responses or {}).keys():
        return "three answers came"
    return InputRequiredResult(input_requests=requests, request_state="asked")


def multi_round(context: Context) -> str | InputRequiredResult:
    """Request a name, then a color, then return the result; the state holds the name."""
    state = json.loads(context.request_state or "{}")
    name, color = state.get("name") or filled(context, "step1", "name"), filled(context, "step2", "color")
    if name is None:
        asked: dict[str, InputRequest] = {"step1": form("Step 1: What is your name?", "name")}
        return InputRequiredResult(input_requests=asked, request_state=json.dumps({"round": 1}))
    if color is None:
        asked = {"step2": form("Step 2: What is your favorite color?", "color")}
        return InputRequiredResult(input_requests=asked, request_state=json.dumps({"round": 2, "name": name}))
    return f"{name} likes {color}."


def tampered_state(context: Context) -> str | InputRequiredResult:
    """Request with a state that the suite tampers with: the SDK rejects it before this function is called."""
    if context.request_state is not None:
        return f"state-ok: {context.request_state}"
    requests: dict[str, InputRequest] = {"confirm": form("Please confirm", "ok", "boolean")}
    return InputRequiredResult(input_requests=requests, request_state="first round")


def capabilities(context: Context) -> InputRequiredResult:
    """Request only what the client declared."""
    declared = context.client_capabilities
    requests: dict[str, InputRequest] = {}
    if declared is not None and declared.sampling is not None:
        requests["greeting"] = question("Say hello")
    if declared is not None and declared.elicitation is not None:
        requests["user_name"] = form("What is your name?", "name")
    return InputRequiredResult(input_requests=requests, request_state="asked")


def prompt(context: Context) -> list[UserMessage] | InputRequiredResult:
    """A prompt that requests input first."""
    given = filled(context, "user_context", "context")
    if given is None:
        asked: dict[str, InputRequest] = {"user_context": form("What context should the prompt use?", "context")}
        return InputRequiredResult(input_requests=asked)
    return [UserMessage(content=TextContent(type="text", text=f"Use the following context: {given}"))]


PREFIX: Final = "test_input_required_result_"

TOOLS: Final[dict[str, Callable[..., Any]]] = {
    "test_streaming_elicitation": streaming_elicitation,
    f"{PREFIX}elicitation": elicitation,
    f"{PREFIX}sampling": sampling,
    f"{PREFIX}list_roots": list_roots,
    f"{PREFIX}request_state": request_state,
    f"{PREFIX}multiple_inputs": multiple_inputs,
    f"{PREFIX}multi_round": multi_round,
    f"{PREFIX}tampered_state": tampered_state,
    f"{PREFIX}capabilities": capabilities,
}
"""Tools by the names that the suite calls."""
