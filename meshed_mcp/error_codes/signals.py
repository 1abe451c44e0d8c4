"""Signals of servers without the runtime: what only the runtime or a sidecar measures."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "signals")

SESSIONS_WITHOUT_RUNTIME: Final = code("MM0640")
IN_FLIGHT_WITHOUT_SIDECAR: Final = code("MM0641")
TOOL_OBJECTIVE_WITHOUT_RUNTIME: Final = code("MM0642")
OBJECTIVE_WITHOUT_SIDECAR: Final = code("MM0643")
