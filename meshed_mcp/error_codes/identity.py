"""Token issuers of a service: presets, audiences, keys and the resource URL."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "identity")

MOVED_TO_ISSUERS: Final = code("MM0910")
ISSUER_MISSING: Final = code("MM0911")
ISSUER_OF_PRESET: Final = code("MM0912")
PRESET_SETTING_MISSING: Final = code("MM0913")
PRESET_SETTING_UNUSED: Final = code("MM0914")
UNKNOWN_ALGORITHM: Final = code("MM0915")
AUDIENCES_MISSING: Final = code("MM0916")
ISSUER_LISTED_TWICE: Final = code("MM0917")
RESOURCE_NOT_OF_SERVICE: Final = code("MM0918")
TENANT_NOT_AN_ID: Final = code("MM0919")
INVALID_PRESET_SETTING: Final = code("MM0920")
INVALID_AUDIENCE: Final = code("MM0921")
