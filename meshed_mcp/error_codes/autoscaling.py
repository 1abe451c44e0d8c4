"""Autoscaling: replicas, schedules, sizes and nodes."""

from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

FAST_SCALER_WITHOUT_KEDA: Final = ErrorCode(
    "MM0600",
    "fast_scaler raises the minimum of ScaledObjects, and install: none renders none; remove fast_scaler, or set "
    "install: release or existing",
)
NEEDS_KEDA: Final = ErrorCode(
    "MM0601", "needs KEDA, which keda.install: none leaves out; remove it, or set keda.install: release or existing"
)
NO_MEASURE_WITHOUT_KEDA: Final = ErrorCode(
    "MM0602", "is null, and without KEDA only cpu_percent and memory_percent scale; set cpu_percent or memory_percent"
)
TWO_TARGETS_FOR_DEPLOYMENT: Final = ErrorCode(
    "MM0603",
    "{count} targets scale the Deployment {deployment!r}, and two autoscalers of one Deployment work against "
    "each other; remove all but one",
)
BUDGET_WITHOUT_PRICES: Final = ErrorCode(
    "MM0604", "needs prices; set meshed-mcp:prices: {{cpu_hour: ..., gib_hour: ...}}"
)
CRON_FIELD_COUNT: Final = ErrorCode(
    "MM0605",
    "{text!r} has {count} fields, and cron has 5 (minute hour day month weekday); use one such as '45 8 * * 1-5'",
)
INVALID_CRON_FIELD: Final = ErrorCode(
    "MM0606", "{word!r} in {text!r} is not a {name}; use {least} to {most}, '*', a range or a list"
)
UNKNOWN_ARCHITECTURE: Final = ErrorCode("MM0607", "{name!r} is not a supported architecture; use some of {known}")
INVALID_PRIORITY: Final = ErrorCode(
    "MM0608", "{priority} is not a priority with node groups; use {least} or more and a list of expressions"
)
INVALID_EXPRESSION: Final = ErrorCode(
    "MM0609", "{expression!r} is not a regular expression ({error}); use one such as '.*spot.*'"
)
TWO_NODE_AUTOSCALERS: Final = ErrorCode(
    "MM0610", "karpenter and cluster_autoscaler would both add nodes for a pending pod; remove one of them"
)
RESIZED_AND_COUNTED: Final = ErrorCode(
    "MM0611",
    "right_sizing.resources: the autoscaler counts {resource} ({counted_by}), and resizing would hide the load; "
    "remove {resource}, or set {counted_by}: null",
)
NOTHING_TO_RESIZE: Final = ErrorCode(
    "MM0612",
    "right_sizing.mode {mode} has nothing to resize, because the autoscaler counts cpu and memory; set mode: "
    "off, or cpu_percent: null",
)
NEVER_SCALES_DOWN: Final = ErrorCode(
    "MM0613", "percent and pods are both null, so the service would never scale down; set one of them"
)
UNKNOWN_TIME_ZONE: Final = ErrorCode(
    "MM0614", "{value!r} is not a time zone; use one of the IANA database, such as 'Europe/Berlin'"
)
SCHEDULE_WITHOUT_LENGTH: Final = ErrorCode(
    "MM0615", "start and end are both {start!r}, so the schedule has no length; set a later end"
)
SCALE_TO_ZERO_WITHOUT_QUEUE: Final = ErrorCode(
    "MM0616",
    "min_replicas 0 leaves no pod that takes a call or reports one; set 1 or more, or profile: queue with a "
    "queue outside the pods",
)
SINGLETON_WITH_BOUNDS: Final = ErrorCode(
    "MM0617",
    "profile singleton is one replica, and the bounds are {min_replicas} to {max_replicas}; remove min_replicas "
    "and max_replicas, or set another profile",
)
REPLICAS_OUT_OF_BOUNDS: Final = ErrorCode(
    "MM0618",
    "{field} {replicas} is outside min_replicas {min_replicas} to max_replicas {max_replicas}; set a number "
    "between them, or remove it",
)
QUEUE_MISSING: Final = ErrorCode(
    "MM0619", "profile queue needs the length of the queue; set queue: {{query: ..., per_replica: ...}}"
)
NO_MEASURE: Final = ErrorCode(
    "MM0620", "every measure is null, so the service would not scale; set in_flight_per_replica"
)
ZERO_COUNTS_PODS: Final = ErrorCode(
    "MM0621", "min_replicas 0 excludes {names}, which only pods report; set it to null, or set min_replicas: 1"
)
NEEDS_VPA_INSTALL: Final = ErrorCode(
    "MM0622",
    "right_sizing.mode: needs a VerticalPodAutoscaler, which vpa.install: none leaves out; remove it, or set "
    "vpa.install: release or existing",
)
