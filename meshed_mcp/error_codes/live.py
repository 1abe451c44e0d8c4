"""`meshed-mcp check --live`: a running cluster against a stack."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "live")

CLIENT_MISSING: Final = code("MM0152")
CLUSTER_UNREACHABLE: Final = code("MM0154")
READ_FORBIDDEN: Final = code("MM0155")
KUBERNETES_VERSION: Final = code("MM0156")
OBJECT_MISSING: Final = code("MM0157")
KIND_NOT_SERVED: Final = code("MM0158")
COMPONENT_MISSING: Final = code("MM0159")
COMPONENT_TOO_OLD: Final = code("MM0160")
REVISION_MISSING: Final = code("MM0161")
WEBHOOK_IGNORES_FAILURES: Final = code("MM0162")
MESH_CONFIG_DIFFERS: Final = code("MM0163")
PROVIDER_MISSING: Final = code("MM0164")
GATEWAY_WITHOUT_PODS: Final = code("MM0165")
NOT_SELECTED: Final = code("MM0166")
EXTERNAL_METRICS: Final = code("MM0167")
POD_SECURITY: Final = code("MM0168")
NOT_KNOWN: Final = code("MM0169")
