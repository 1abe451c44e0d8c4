"""Other commands: options, files and addresses."""

from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

ONE_HISTORY: Final = ErrorCode("MM0850", "needs exactly one history; set either --load FILE or --prometheus URL")
CALL_SECONDS_MISSING: Final = ErrorCode(
    "MM0851", "column {column} counts calls; set --call-seconds to their mean duration, or set --peak-replicas"
)
IN_FLIGHT_IS_NULL: Final = ErrorCode("MM0852", "is null, and the simulation needs it; set a number")
MATPLOTLIB_MISSING: Final = ErrorCode(
    "MM0853", "drawing needs matplotlib; install it with pip install 'meshed-mcp[plots]', or remove the option"
)
FILE_NOT_WRITABLE: Final = ErrorCode("MM0854", "{path} cannot be written: {reason}")
RESERVATION_TOO_SMALL: Final = ErrorCode(
    "MM0855", "{field} is {given:g} {unit}, and the load needs {needed} {unit}; set {needed} {unit}"
)
PRICES_MISSING: Final = ErrorCode(
    "MM0856", "are unknown; set --cpu-hour and --gib-hour, or meshed-mcp:prices: in the stack"
)
ONE_RELEASE_SEEN: Final = ErrorCode(
    "MM0860", "{known} scraped in {window}; set --canary, or wait until the new release is scraped"
)
INVALID_WINDOW: Final = ErrorCode("MM0861", "{window!r} is not a duration; use a number and s, m or h, such as 10m")
NO_LOCAL_RUN: Final = ErrorCode(
    "MM0862", "no local run of it is monitored; start one with meshed-mcp local, or set --prometheus URL"
)
INVALID_CALL_OPTION: Final = ErrorCode("MM0863", '{text!r} is not a call; use SERVICE/TOOL={{"argument": ...}}')
FILE_EXISTS: Final = ErrorCode("MM0864", "exists already and is never replaced; use another folder with --dir")
MODULE_NAME_TAKEN: Final = ErrorCode(
    "MM0865", "{name!r} would be a module that hides one of Python or of a package; use 'mcp-{name}'"
)
INVALID_PROMETHEUS_URL: Final = ErrorCode("MM0866", "{url!r} is not a URL; use one such as http://127.0.0.1:9090")
PROMETHEUS_SILENT: Final = ErrorCode("MM0867", "{url} does not answer: {error}; start it, or use another address")
QUERY_REJECTED: Final = ErrorCode("MM0868", "{url} rejects a query: {reason}; use the address of a Prometheus")
END_BEFORE_BEGIN: Final = ErrorCode("MM0869", "{end} is not after {begin}; use a later moment")
TOO_MANY_PARTS: Final = ErrorCode("MM0870", "{hours} cuts the time into more than {most} parts; use a larger number")
INVALID_MOMENT: Final = ErrorCode("MM0871", "{text!r} is not a moment; use 2026-11-01, or 2026-11-01T08:00")
UNKNOWN_FILE_TYPE: Final = ErrorCode(
    "MM0872", "{out} is neither CSV nor Parquet; use a name that ends in .csv or .parquet"
)
PYARROW_MISSING: Final = ErrorCode(
    "MM0873",
    "Parquet needs pyarrow; install it with pip install 'meshed-mcp[analytics]', or use a name that ends in .csv",
)
HISTORY_NOT_CSV: Final = ErrorCode("MM0874", "cannot be read as CSV: {error}")
HISTORY_COLUMNS: Final = ErrorCode(
    "MM0875", "has no two columns; use a header such as minute,requests and a row per interval"
)
HISTORY_HEADER: Final = ErrorCode(
    "MM0876",
    "begins with the row {row}; put a header before it, such as minute,requests for counts or minute,in_flight "
    "for in-flight requests",
)
HISTORY_TOO_FEW_ROWS: Final = ErrorCode("MM0877", "has {count} rows with a time and a number; use a row per interval")
HISTORY_LENGTH: Final = ErrorCode("MM0878", "spans {minutes} minutes; use at least {least}, and at most {most}")
HISTORY_TOO_SHORT: Final = ErrorCode(
    "MM0879",
    "knows {minutes} minutes of {service}, and {least} are needed; use a larger --days, or check namespace and "
    "--service",
)
INVALID_SHARE: Final = ErrorCode("MM0880", "share {share} is above 1; use 0.99 for 99 %")
SERVICE_DOES_NOT_SCALE: Final = ErrorCode(
    "MM0881", "has a fixed number of replicas; set max_replicas above min_replicas"
)
SERVICE_NOT_IN_STACK: Final = ErrorCode("MM0882", "is not in this stack; {suggested}")
HISTORY_NOTE: Final = ErrorCode("MM0883", "{source}: {note}")
