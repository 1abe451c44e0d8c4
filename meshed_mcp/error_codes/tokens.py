"""Token issuers of the runtime: the rows of `MESHED_MCP_AUTH_ISSUERS`."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "tokens")

ISSUERS_NOT_JSON: Final = code("MM0940")
ISSUER_FIELD_INVALID: Final = code("MM0941")
ISSUER_TWICE: Final = code("MM0942")
ISSUER_WITHOUT_AUDIENCE: Final = code("MM0943")
ISSUER_WITHOUT_KEYS: Final = code("MM0944")
ALGORITHM_NOT_ALLOWED: Final = code("MM0945")
CLAIM_PATH_INVALID: Final = code("MM0946")
VARIABLE_REPLACED: Final = code("MM0947")
