"""`meshed-mcp check`: schemas, references and rules of rendered objects."""

from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

UNKNOWN_TRIGGER: Final = ErrorCode("MM0700", "{kind!r} is not a trigger of KEDA; {suggested}")
TRIGGER_NOT_A_NUMBER: Final = ErrorCode(
    "MM0701", "{value} is not a number, and KEDA would make no HPA of it; set digits in quotes, such as '28'"
)
FALLBACK_NEVER_ACTS: Final = ErrorCode(
    "MM0702",
    "{target} is not a whole number, so the fallback would never act; set one such as '1' and scale the formula, "
    "or use plain triggers, of which the largest counts",
)
ZERO_NEVER_LEFT: Final = ErrorCode("MM0703", "is 0, which CPU and memory alone never leave; set 1 or more")
REQUEST_MISSING: Final = ErrorCode(
    "MM0704",
    "container {container} of {workload} requests no {resource}, and the autoscaler counts a share of it; set "
    "resources.requests.{resource}, or do not count it",
)
UPDATE_MODE_IS_FALSE: Final = ErrorCode(
    "MM0705", "is false, as YAML 1.1 reads off without quotes, and the API server rejects it; set 'Off'"
)
RESIZED_AND_SCALED: Final = ErrorCode(
    "MM0706", "{mode} resizes {name}, which {scaler} counts; set 'Off', or remove the resource"
)
UNKNOWN_OBJECT_FIELD: Final = ErrorCode("MM0708", "unknown field; {suggested}")
UNKNOWN_API_VERSION: Final = ErrorCode(
    "MM0709", "no served version {api_version} of {kind} is known; use one of: {versions}"
)
SECRET_MUST_EXIST: Final = ErrorCode(
    "MM0710", "Secret {namespace}/{secret} with key {key} must exist: {reader} reads it"
)
OBJECT_NOT_IN_STACK: Final = ErrorCode("MM0711", "{kind} {namespace}/{name} is not in this stack; {suggested}")
NAMESPACE_MUST_EXIST: Final = ErrorCode("MM0712", "Namespace {namespace} must exist: this program creates none")
NAMESPACE_NOT_IN_STACK: Final = ErrorCode("MM0713", "namespace {namespace} is not in this stack; {suggested}")
NO_PODS_SELECTED: Final = ErrorCode(
    "MM0714", "no workload of namespace {namespace} has pods with the labels {labels}; set the labels of a workload"
)
PORT_NOT_IN_PODS: Final = ErrorCode("MM0715", "no pod behind the selector has a port named {name}; {suggested}")
SUBSET_NOT_DEFINED: Final = ErrorCode("MM0716", "subset {subset} of {host} is not defined; {suggested}")
SUBSET_WITHOUT_PODS: Final = ErrorCode(
    "MM0717",
    "subset {subset}: no workload of namespace {namespace} has pods with the labels {labels}; set the labels of "
    "a workload",
)
KIND_NOT_CHECKED: Final = ErrorCode(
    "MM0718", "{kind} of {api_version} is not checked; set {variable} to a folder with its CRD"
)
HOST_ROUTED_TWICE: Final = ErrorCode(
    "MM0719",
    "{host!r}{where} is routed by {other} too, and a proxy uses one of the two; set another host or path in one "
    "of them",
)
SESSION_LOSES_VERSION: Final = ErrorCode(
    "MM0720",
    "chooses a version of {host}, which has sessions, so the requests of a session would reach both versions; "
    "set a rule before it that matches the header {header} and has no subset",
)
REGISTERED_SEVERAL_TIMES: Final = ErrorCode("MM0721", "is registered {count} times; set a name for each")
WEIGHTS_NOT_HUNDRED: Final = ErrorCode("MM0722", "weights sum to {total}, not 100; change one of {weights}")
TIMEOUT_CUTS_STREAMS: Final = ErrorCode(
    "MM0723", "a time-out on a route interrupts MCP streams; remove it, and limit calls in the server"
)
RETRY_RUNS_TOOL_TWICE: Final = ErrorCode("MM0724", "{conditions} runs a tool twice; set connect-failure,refused-stream")
NO_ALLOWED_CALLER: Final = ErrorCode("MM0725", "no caller is allowed; set callers: [...] or expose: true")
TWO_AUTOSCALERS: Final = ErrorCode("MM0726", "another autoscaler has the same target; remove one")
BUDGET_BLOCKS_DRAIN: Final = ErrorCode(
    "MM0727", "{value} lets no pod go, so no node can be drained; set maxUnavailable: 1"
)
TWO_BUDGETS: Final = ErrorCode(
    "MM0728", "the PodDisruptionBudgets {names} select its pods, and a pod of two budgets cannot be evicted; remove one"
)
POD_NOT_RESTRICTED: Final = ErrorCode("MM0729", "is {value!r}; set {wanted!r}")
GRACE_BEFORE_DRAIN: Final = ErrorCode(
    "MM0730", "{grace} s end before the drain of {drain} s does; set more than {drain}"
)
FILTER_NOT_IN_PROXY: Final = ErrorCode(
    "MM0731", "{name} is not in the proxy of Istio {oldest}; use one of its own filters"
)
OBJECT_SCHEMA: Final = ErrorCode("MM0732", "{reason}; set a value that the schema of the object allows")
UNKNOWN_KIND: Final = ErrorCode("MM0733", "{api_version} has no kind {kind}; did you mean {suggested}?")
CRD_DIR_NOT_A_FOLDER: Final = ErrorCode(
    "MM0734", "{named} is not a folder; set it to a folder with CRD files (*.yaml), or unset it"
)
