"""The audit log: one line per decision on a call, from the logger `meshed_mcp.audit`.

In: caller, tool, verdict. Out: a JSON line with those and the trace id (telemetry/logs.py), never an argument or a
token. Lines about allowed calls are as many as calls; lines about refused ones are bounded, what is left out is
counted.
"""

import logging
from time import monotonic
from typing import Final

from meshed_mcp.agents.auth.identity import Caller
from meshed_mcp.agents.auth.tool_policy import Reason

LOGGER: Final = "meshed_mcp.audit"
REFUSALS_PER_SECOND: Final = 50
"""Lines about refused calls; whoever is refused may ask as often as he likes, and a disk is finite."""

MAXIMUM_NAME_CHARACTERS: Final = 256
"""Longest caller or tool in a line; SPIFFE ids are shorter, invented tool names need not be."""

logger = logging.getLogger(LOGGER)


class Audit:
    """Writes the lines of one process."""

    def __init__(self) -> None:
        logger.setLevel(logging.INFO)  # whatever MESHED_MCP_LOG_LEVEL leaves out, decisions are kept
        self._second = 0
        self._lines = 0
        self._left_out = 0

    def record(self, caller: Caller, tool: str, reason: Reason) -> None:
        """Write one line, unless this second already has its share of refusals."""
        allowed = reason is Reason.ALLOWED
        if not allowed and self._is_full():
            self._left_out += 1
            return
        fields: dict[str, object] = {
            "caller": str(caller)[:MAXIMUM_NAME_CHARACTERS],
            "tool": tool[:MAXIMUM_NAME_CHARACTERS],
            "verdict": "allowed" if allowed else "refused",
            "reason": reason.value,
        }
        if self._left_out:
            fields["left_out"], self._left_out = self._left_out, 0
        logger.log(logging.INFO if allowed else logging.WARNING, "tools/call", extra={"fields": fields})

    def _is_full(self) -> bool:
        second = int(monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        return self._lines > REFUSALS_PER_SECOND
