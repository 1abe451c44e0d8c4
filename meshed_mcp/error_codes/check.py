"""`meshed-mcp check`: schemas, references and rules of rendered objects."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "check")

UNKNOWN_TRIGGER: Final = code("MM0700")
TRIGGER_NOT_A_NUMBER: Final = code("MM0701")
FALLBACK_NEVER_ACTS: Final = code("MM0702")
ZERO_NEVER_LEFT: Final = code("MM0703")
REQUEST_MISSING: Final = code("MM0704")
UPDATE_MODE_IS_FALSE: Final = code("MM0705")
RESIZED_AND_SCALED: Final = code("MM0706")
UNKNOWN_OBJECT_FIELD: Final = code("MM0708")
UNKNOWN_API_VERSION: Final = code("MM0709")
OBJECT_NOT_IN_STACK: Final = code("MM0711")
NAMESPACE_MUST_EXIST: Final = code("MM0712")
NAMESPACE_NOT_IN_STACK: Final = code("MM0713")
NO_PODS_SELECTED: Final = code("MM0714")
PORT_NOT_IN_PODS: Final = code("MM0715")
SUBSET_NOT_DEFINED: Final = code("MM0716")
SUBSET_WITHOUT_PODS: Final = code("MM0717")
KIND_NOT_CHECKED: Final = code("MM0718")
HOST_ROUTED_TWICE: Final = code("MM0719")
SESSION_LOSES_VERSION: Final = code("MM0720")
REGISTERED_SEVERAL_TIMES: Final = code("MM0721")
WEIGHTS_NOT_HUNDRED: Final = code("MM0722")
TIMEOUT_CUTS_STREAMS: Final = code("MM0723")
RETRY_RUNS_TOOL_TWICE: Final = code("MM0724")
NO_ALLOWED_CALLER: Final = code("MM0725")
TWO_AUTOSCALERS: Final = code("MM0726")
BUDGET_BLOCKS_DRAIN: Final = code("MM0727")
TWO_BUDGETS: Final = code("MM0728")
POD_NOT_RESTRICTED: Final = code("MM0729")
GRACE_BEFORE_DRAIN: Final = code("MM0730")
FILTER_NOT_IN_PROXY: Final = code("MM0731")
OBJECT_SCHEMA: Final = code("MM0732")
UNKNOWN_KIND: Final = code("MM0733")
CRD_DIR_NOT_A_FOLDER: Final = code("MM0734")
NOT_RECORDED: Final = code("MM0153")
EXISTING_PART_NEEDS: Final = code("MM0582")
