"""Calls of other services: how a service authenticates to its destinations."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "calls")

UNKNOWN_DESTINATION: Final = code("MM0990")
NOT_A_CALLER: Final = code("MM0991")
CALL_FIELD_UNUSED: Final = code("MM0992")
CALL_FIELDS_MISSING: Final = code("MM0993")
PASS_THROUGH_AUDIENCE: Final = code("MM0994")
NO_USER_TOKENS: Final = code("MM0995")
INVALID_TOKEN_ENDPOINT: Final = code("MM0996")
CALL_FIELDS_EXCLUDE: Final = code("MM0997")
OUTBOUND_TOKEN_TWICE: Final = code("MM0999")
INVALID_RESOURCE_PARAMETER: Final = code("MM1000")
INVALID_CLIENT_ID: Final = code("MM1001")
TOKEN_ENDPOINT_IN_PLAINTEXT: Final = code("MM1002")
PASS_THROUGH_TO_URL: Final = code("MM1003")

CALL_TABLE_INVALID: Final = code("MM1005")
CALL_SECRET_MISSING: Final = code("MM1006")
CALLER_TOKEN_MISSING: Final = code("MM1007")
TOKEN_ENDPOINT_UNAVAILABLE: Final = code("MM1008")
TOKEN_REQUEST_REJECTED: Final = code("MM1009")
FOREIGN_ORIGIN: Final = code("MM1010")
TOKEN_RESPONSE_INVALID: Final = code("MM1011")
PRIVATE_KEY_UNUSABLE: Final = code("MM1012")
