"""Values of any field: types, names, quantities."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "values")

MISSING_FIELD: Final = code("MM0001")
NOT_A_CHOICE: Final = code("MM0002")
UNKNOWN_FIELD: Final = code("MM0003")
NOT_A_NUMBER: Final = code("MM0004")
OUT_OF_BOUNDS: Final = code("MM0005")
WRONG_TYPE: Final = code("MM0006")
NOT_A_MAPPING: Final = code("MM0007")
NOT_A_LIST: Final = code("MM0008")
INVALID_VALUE: Final = code("MM0009")
RENAMED_FIELD: Final = code("MM0010")
SERVICE_NAME_TOO_LONG: Final = code("MM0020")
INVALID_SERVICE_NAME: Final = code("MM0021")
INVALID_NAMESPACE: Final = code("MM0022")
INVALID_HOST_NAME: Final = code("MM0023")
SHORT_GATEWAY_HOST: Final = code("MM0024")
INVALID_OBJECT_NAME: Final = code("MM0025")
INVALID_REFERENCE: Final = code("MM0026")
INVALID_CPU: Final = code("MM0027")
CPU_TOO_FINE: Final = code("MM0028")
CPU_ZERO: Final = code("MM0029")
CPU_TOO_LARGE: Final = code("MM0030")
INVALID_MEMORY: Final = code("MM0031")
MEMORY_ZERO: Final = code("MM0032")
LISTED_TWICE: Final = code("MM0033")
INVALID_PATH: Final = code("MM0034")
INVALID_SECRET_KEY: Final = code("MM0035")
INVALID_WEB_ADDRESS: Final = code("MM0036")
INVALID_PERCENTAGE: Final = code("MM0037")
NUMBER_NOT_CARRIED: Final = code("MM0038")
RENAMED_VALUE: Final = code("MM0390")
