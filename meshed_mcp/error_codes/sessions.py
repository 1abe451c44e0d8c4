"""Sessions of clients up to 2025-11-25: where they are kept."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "sessions")

STORE_WITHOUT_SESSIONS: Final = code("MM1045")
STORE_WITHOUT_REDIS: Final = code("MM1046")
STORE_NEEDS_STICKY: Final = code("MM1047")
STORE_BESIDE_POOLS: Final = code("MM1048")
STORE_NEEDS_REDIS: Final = code("MM1049")
STORE_NEEDS_RUNTIME: Final = code("MM1050")
