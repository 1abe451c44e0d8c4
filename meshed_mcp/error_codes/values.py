"""Values of any field: types, names, quantities."""

from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

MISSING_FIELD: Final = ErrorCode("MM0001", "is missing; set {name}: with a value")
NOT_A_CHOICE: Final = ErrorCode("MM0002", "{shown} is not a choice; {suggested}")
UNKNOWN_FIELD: Final = ErrorCode("MM0003", "unknown field; {suggested}")
NOT_A_NUMBER: Final = ErrorCode("MM0004", "{shown} is not {wanted}; {advice}")
OUT_OF_BOUNDS: Final = ErrorCode("MM0005", "{shown} is {relation} {limit}; set {limit} or {direction}")
WRONG_TYPE: Final = ErrorCode("MM0006", "{shown} is not {wanted}; set {advice}")
NOT_A_MAPPING: Final = ErrorCode("MM0007", "{shown} is not a mapping{names}; set key: value lines{fields}")
NOT_A_LIST: Final = ErrorCode("MM0008", "{shown} is not a list; set {advice}")
INVALID_VALUE: Final = ErrorCode("MM0009", "{reason}; got {shown}")
RENAMED_FIELD: Final = ErrorCode("MM0010", "was renamed; set {renamed}")
SERVICE_NAME_TOO_LONG: Final = ErrorCode(
    "MM0020",
    "service name {name!r} has {count} characters; use at most {most}, so that the name of its autoscaler fits",
)
INVALID_SERVICE_NAME: Final = ErrorCode(
    "MM0021",
    "service name {name!r} is not a DNS label; use lower-case letters, digits and '-', beginning with a letter, "
    "such as 'mcp-search'",
)
INVALID_NAMESPACE: Final = ErrorCode(
    "MM0022", "{name!r} is not a namespace name; use lower-case letters, digits and '-', such as 'mcp-system'"
)
INVALID_HOST_NAME: Final = ErrorCode(
    "MM0023",
    "{name!r} is not a host name; use lower-case labels without scheme, port or '*', such as 'mcp.example.com'",
)
SHORT_GATEWAY_HOST: Final = ErrorCode(
    "MM0024",
    "{name!r} has no dot, and Istio rejects a gateway whose host is a short name; use a fully qualified name, "
    "such as '{name}.example.com'",
)
INVALID_OBJECT_NAME: Final = ErrorCode(
    "MM0025", "{name!r} is not a name of a Kubernetes object; use lower-case letters, digits, '-' and '.'"
)
INVALID_REFERENCE: Final = ErrorCode(
    "MM0026", "{name!r} is not a reference; use 'namespace/name', such as 'istio-ingress/mcp-ingress'"
)
INVALID_CPU: Final = ErrorCode(
    "MM0027", "{text!r} is not a CPU quantity; use thousandths of a core such as '250m', or cores such as '2'"
)
CPU_TOO_FINE: Final = ErrorCode("MM0028", "{text!r} is finer than a thousandth of a core; use '{number}m'")
CPU_ZERO: Final = ErrorCode("MM0029", "{text!r} gives the container no CPU; use '100m' or more")
CPU_TOO_LARGE: Final = ErrorCode(
    "MM0030", "{text!r} is {cores} whole cores; for thousandths of a core, use '{number}m'"
)
INVALID_MEMORY: Final = ErrorCode("MM0031", "{text!r} is not a memory quantity with a known unit; use {suggested}")
MEMORY_ZERO: Final = ErrorCode("MM0032", "{text!r} gives the container no memory; use '128Mi' or more")
LISTED_TWICE: Final = ErrorCode("MM0033", "{names} is listed twice; remove one")
INVALID_PATH: Final = ErrorCode(
    "MM0034", "{value!r} is not a path below '/'; use a leading and no trailing '/', such as '/mcp'"
)
INVALID_SECRET_KEY: Final = ErrorCode(
    "MM0035", "{value!r} is not a key of a Secret; use letters, digits, '-', '_' and '.' only"
)
INVALID_WEB_ADDRESS: Final = ErrorCode(
    "MM0036", "{text!r} is not a web address; use an http or https URL, such as '{example}'"
)
INVALID_PERCENTAGE: Final = ErrorCode("MM0037", "{value:g} is not a percentage; use 0 to 100")
NUMBER_NOT_CARRIED: Final = ErrorCode(
    "MM0038", "{shown} is not a number that Pulumi can carry; use text, or a smaller number"
)
