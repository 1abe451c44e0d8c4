"""Other commands: options, files and addresses."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "cli")

ONE_HISTORY: Final = code("MM0850")
CALL_SECONDS_MISSING: Final = code("MM0851")
IN_FLIGHT_IS_NULL: Final = code("MM0852")
MATPLOTLIB_MISSING: Final = code("MM0853")
FILE_NOT_WRITABLE: Final = code("MM0854")
RESERVATION_TOO_SMALL: Final = code("MM0855")
PRICES_MISSING: Final = code("MM0856")
ONE_RELEASE_SEEN: Final = code("MM0860")
INVALID_WINDOW: Final = code("MM0861")
NO_LOCAL_RUN: Final = code("MM0862")
INVALID_CALL_OPTION: Final = code("MM0863")
FILE_EXISTS: Final = code("MM0864")
MODULE_NAME_TAKEN: Final = code("MM0865")
INVALID_PROMETHEUS_URL: Final = code("MM0866")
PROMETHEUS_SILENT: Final = code("MM0867")
QUERY_REJECTED: Final = code("MM0868")
END_BEFORE_BEGIN: Final = code("MM0869")
TOO_MANY_PARTS: Final = code("MM0870")
INVALID_MOMENT: Final = code("MM0871")
UNKNOWN_FILE_TYPE: Final = code("MM0872")
PYARROW_MISSING: Final = code("MM0873")
HISTORY_NOT_CSV: Final = code("MM0874")
HISTORY_COLUMNS: Final = code("MM0875")
HISTORY_HEADER: Final = code("MM0876")
HISTORY_TOO_FEW_ROWS: Final = code("MM0877")
HISTORY_LENGTH: Final = code("MM0878")
HISTORY_TOO_SHORT: Final = code("MM0879")
INVALID_SHARE: Final = code("MM0880")
SERVICE_DOES_NOT_SCALE: Final = code("MM0881")
SERVICE_NOT_IN_STACK: Final = code("MM0882")
HISTORY_NOTE: Final = code("MM0883")
