"""Request state of multi round-trip calls, sealed with keys that all replicas of a service share.

Any replica can open what another one sealed. Replicated services without shared keys reject the first round, instead of
failing the next one at random. Source: MCP 2026-07-28, "Multi Round-Trip Requests".
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
from meshed_mcp.agents.process.secret_files import FixedSecret
from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.state.request_state_codec import RotatingCodec
from meshed_mcp.agents.state.request_state_keys import MIN_KEY_BYTES

UNSHARED: Final = "this service cannot send server-initiated requests: its replicas share no request state key"
"""Error message for the client; the log tells the operator the fix."""

_FIX: Final = (
    f"its next round may reach another replica, and {contract.ENV_REQUEST_STATE_KEYS} is not set. "
    "Set shared_state: [request-state] for this service and request_state: {secret: ..., key: ...} for the stack."
)

logger = logging.getLogger(__name__)


def configure_request_state(middleware: list[Any], settings: Settings) -> None:
    """Replace the SDK's boundary by one with the configured keys; without keys, the process generates one.

    The audience is the name of the deployed service, which separates two services of one image. State is bound to the
    caller.
    """
    index = next(number for number, each in enumerate(middleware) if isinstance(each, RequestStateBoundary))
    middleware[:] = [each for each in middleware if each is not reject_unshared_state]
    keys = settings.secret("request_state_keys") or FixedSecret(os.urandom(MIN_KEY_BYTES).hex())
    security = RequestStateSecurity(
        codec=RotatingCodec(keys), audience=settings.service, bind_principal=state_principal
    )
    middleware[index] = RequestStateBoundary(security, default_audience=None)
    if settings.replicated and not settings.request_state_keys:
        middleware.insert(index + 1, reject_unshared_state)


def state_principal(context: ServerRequestContext[Any, Any]) -> str | None:
    """Return the principal that sealed state is bound to: SPIFFE ID and token subject, if any."""
    caller = caller_of(context.request)
    return str(caller) if caller.names else None


async def reject_unshared_state(context: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware that turns a result with unshared state into an error."""
    result = await call_next(context)
    if is_input_required(result) and _state(result) is not None:
        logger.error("%s sent a server-initiated request: %s", context.method, _FIX)
        raise MCPError(code=INTERNAL_ERROR, message=UNSHARED)
    return result


def _state(result: Any) -> object:
    return result.get("requestState") if isinstance(result, Mapping) else result.request_state
