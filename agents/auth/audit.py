"""Audit log: one JSON line per tool policy decision, from the logger `meshed_mcp.audit`.

A line holds caller, tool, verdict, reason, trace ID (telemetry/logs.py) and the scopes, organization and actors of the
caller's token, never an argument or a token. Every allowed call gets a line. Lines on denied calls are rate limited,
and omitted lines are counted.
"""

import logging
from time import monotonic
from typing import Final

from meshed_mcp.agents.auth.identity import Caller
from meshed_mcp.agents.auth.tool_policy import Reason

LOGGER: Final = "meshed_mcp.audit"
MAX_DENIALS_PER_SECOND: Final = 50
"""Lines on denied calls per second: a denied client can repeat its call at any rate, and disks are finite."""

MAX_NAME_CHARACTERS: Final = 256
"""Longest caller or tool in a line. SPIFFE IDs are shorter, but a client can invent longer tool names."""

MAX_SCOPES: Final = 32
MAX_SCOPE_CHARACTERS: Final = 64
"""Most scopes and groups in a line: a token can have hundreds of groups."""

logger = logging.getLogger(LOGGER)


class AuditLog:
    """Writes the audit lines of one process."""

    def __init__(self) -> None:
        logger.setLevel(logging.INFO)  # independent of MESHED_MCP_LOG_LEVEL
        self._second = 0
        self._lines = 0
        self._omitted = 0

    def record(self, caller: Caller, tool: str, reason: Reason) -> None:
        """Write one line, unless the limit on denials is reached for the current second."""
        allowed = reason is Reason.ALLOWED
        if not allowed and self._is_limited():
            self._omitted += 1
            return
        fields: dict[str, object] = {
            "caller": str(caller)[:MAX_NAME_CHARACTERS],
            "tool": tool[:MAX_NAME_CHARACTERS],
            "verdict": "allowed" if allowed else "refused",
            "reason": reason.value,
            **token_fields(caller),
        }
        if self._omitted:
            fields["left_out"], self._omitted = self._omitted, 0
        logger.log(logging.INFO if allowed else logging.WARNING, "tools/call", extra={"fields": fields})

    def _is_limited(self) -> bool:
        second = int(monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        return self._lines > MAX_DENIALS_PER_SECOND


def token_fields(caller: Caller) -> dict[str, object]:
    """Return the fields of a caller's token that are not empty, each of bounded length."""
    fields: dict[str, object] = {
        "scopes": [scope[:MAX_SCOPE_CHARACTERS] for scope in sorted(caller.scopes)[:MAX_SCOPES]],
        "organization": (caller.organization or "")[:MAX_NAME_CHARACTERS],
        "actors": [actor[:MAX_NAME_CHARACTERS] for actor in caller.actors],
    }
    return {name: value for name, value in fields.items() if value}
