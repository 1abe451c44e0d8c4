"""Autoscaling: replicas, schedules, sizes and nodes."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "autoscaling")

FAST_SCALER_WITHOUT_KEDA: Final = code("MM0600")
NEEDS_KEDA: Final = code("MM0601")
NO_MEASURE_WITHOUT_KEDA: Final = code("MM0602")
TWO_TARGETS_FOR_DEPLOYMENT: Final = code("MM0603")
BUDGET_WITHOUT_PRICES: Final = code("MM0604")
CRON_FIELD_COUNT: Final = code("MM0605")
INVALID_CRON_FIELD: Final = code("MM0606")
UNKNOWN_ARCHITECTURE: Final = code("MM0607")
INVALID_PRIORITY: Final = code("MM0608")
INVALID_EXPRESSION: Final = code("MM0609")
TWO_NODE_AUTOSCALERS: Final = code("MM0610")
RESIZED_AND_COUNTED: Final = code("MM0611")
NOTHING_TO_RESIZE: Final = code("MM0612")
NEVER_SCALES_DOWN: Final = code("MM0613")
UNKNOWN_TIME_ZONE: Final = code("MM0614")
SCHEDULE_WITHOUT_LENGTH: Final = code("MM0615")
SCALE_TO_ZERO_WITHOUT_QUEUE: Final = code("MM0616")
SINGLETON_WITH_BOUNDS: Final = code("MM0617")
REPLICAS_OUT_OF_BOUNDS: Final = code("MM0618")
QUEUE_MISSING: Final = code("MM0619")
NO_MEASURE: Final = code("MM0620")
ZERO_COUNTS_PODS: Final = code("MM0621")
NEEDS_VPA_INSTALL: Final = code("MM0622")
