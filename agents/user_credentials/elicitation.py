"""Asks a user for a credential by URL elicitation, in the form that the client of the request knows.

Clients of 2026-07-28 get an input request and call again; older ones that declare URL elicitation get error -32042;
all others a tool error with the link. Source: MCP 2026-07-28 and 2025-11-25, "Elicitation", "URL Mode".
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import uuid4

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError
from mcp_types import (
    URL_ELICITATION_REQUIRED,
    CallToolResult,
    ElicitRequest,
    ElicitRequestURLParams,
    InputRequiredResult,
    TextContent,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from meshed_mcp.agents.telemetry.metrics import CALL_METHOD

ANSWER_SECONDS: Final = 20.0
"""Longest wait for a user who is still on the page, before the client is asked again: well below the time after which
clients give up. Source: official TypeScript SDK, `DEFAULT_REQUEST_TIMEOUT_MSEC`, 60 s."""

POLL_SECONDS: Final = 0.5
ACCEPT: Final = "accept"

Context = ServerRequestContext[Any, Any]


class CredentialRequiredError(UrlElicitationRequiredError):
    """A user must connect an account. It leaves a tool as it is; `ask_for_credentials` turns it into a result."""

    def __init__(self, provider: str, title: str, url: str, is_there: Callable[[], Awaitable[bool]]) -> None:
        """`is_there` returns whether the user has connected the account."""
        self.provider, self.is_there = provider, is_there
        self.text = f"This needs your account at {title}. Open the link to connect it."
        params = ElicitRequestURLParams(message=self.text, url=url, elicitation_id=uuid4().hex)
        super().__init__([params], self.text)


async def ask_for_credentials(ctx: Context, call_next: CallNext) -> HandlerResult:
    """SDK middleware that answers a request whose tool raised CredentialRequiredError."""
    try:
        return await call_next(ctx)
    except CredentialRequiredError as error:
        required = error
    answer = _answer(ctx, required.provider)
    if answer == ACCEPT and await _appears(required):
        try:
            return await call_next(ctx)
        except CredentialRequiredError as error:
            required = error
    elif answer not in (None, ACCEPT):
        return _failure(ctx, f"{required.text} The user declined.", required)
    return _request(ctx, required)


def input_request_id(provider: str) -> str:
    """Key of the input request."""
    return f"user-credential-{provider}"


def _request(ctx: Context, required: CredentialRequiredError) -> HandlerResult:
    params = required.elicitations[0]
    if not _has_url_mode(ctx):
        return _failure(ctx, f"{required.text} Then call again: {params.url}", required)
    if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        raise required
    asked = ElicitRequest(params=params.model_copy(update={"elicitation_id": None}))
    return InputRequiredResult(input_requests={input_request_id(required.provider): asked})


def _has_url_mode(ctx: Context) -> bool:
    capabilities = ctx.session.client_capabilities
    elicitation = None if capabilities is None else capabilities.elicitation
    return elicitation is not None and elicitation.url is not None


def _answer(ctx: Context, provider: str) -> str | None:
    """The user's action on the input request; None in the first round."""
    answers = (ctx.params or {}).get("inputResponses")
    answer = answers.get(input_request_id(provider)) if isinstance(answers, Mapping) else None
    action = answer.get("action") if isinstance(answer, Mapping) else None
    return None if action is None else str(action)


async def _appears(required: CredentialRequiredError) -> bool:
    """Wait for the user, who may still be on the page."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while not await required.is_there():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


def _failure(ctx: Context, text: str, required: CredentialRequiredError) -> HandlerResult:
    if ctx.method == CALL_METHOD:
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
    raise MCPError(code=URL_ELICITATION_REQUIRED, message=text, data=required.data)
