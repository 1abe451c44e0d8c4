"""State of calls in several rounds (`requestState`): sealed with keys that every replica of a service has.

In: the SDK server's middleware and the settings. Out: the same chain, in which any replica opens what another sealed;
or, where replicas share no key, one that refuses the first round instead of failing the second at random.
Not here: the form of the keys (request_state_keys.py); the sealing itself, which is the SDK's.
Source: MCP 2026-07-28, "Multi Round-Trip Requests", requestState is to be treated as attacker-controlled.
"""

import logging
import os
from collections.abc import Mapping
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR
from mcp_types.methods import is_input_required

from meshed_mcp import contract
from meshed_mcp.agents.auth.identity import caller_of
from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.state.request_state_keys import LEAST_BYTES

UNSHARED: Final = "this service cannot ask back: its replicas share no key for the state of a call"
"""What the client is told; how to repair it is in the log, where the operator looks."""

_FIX: Final = (
    f"its next round may reach another replica, and {contract.ENV_REQUEST_STATE_KEYS} is not set. "
    "Set shared_state: [request-state] for this service and request_state: {secret: ..., key: ...} for the stack."
)

logger = logging.getLogger(__name__)


def share_request_state(middleware: list[Any], settings: Settings) -> None:
    """Put what the settings ask for in the place of the SDK's own boundary; without keys this process makes its own.

    The audience is the name of the deployed service, not of the program: two services of one image stay apart. What one
    caller was asked, nobody else answers.
    """
    place = next(at for at, each in enumerate(middleware) if isinstance(each, RequestStateBoundary))
    middleware[:] = [each for each in middleware if each is not refuse_unshared]
    keys = settings.request_state_keys or (os.urandom(LEAST_BYTES),)
    security = RequestStateSecurity(keys=keys, audience=settings.service, bind_principal=bound_caller)
    middleware[place] = RequestStateBoundary(security, default_audience=None)
    if settings.replicated and not settings.request_state_keys:
        middleware.insert(place + 1, refuse_unshared)


def bound_caller(context: ServerRequestContext[Any, Any]) -> str | None:
    """Whom the state is bound to: the caller's mesh identity and token, as far as there are any."""
    caller = caller_of(context.request)
    return str(caller) if caller.names else None


async def refuse_unshared(context: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: a result that carries state no other replica could open becomes an error, every time."""
    result = await call_next(context)
    if is_input_required(result) and _state(result) is not None:
        logger.error("%s asks its caller back: %s", context.method, _FIX)
        raise MCPError(code=INTERNAL_ERROR, message=UNSHARED)
    return result


def _state(result: Any) -> object:
    return result.get("requestState") if isinstance(result, Mapping) else result.request_state
