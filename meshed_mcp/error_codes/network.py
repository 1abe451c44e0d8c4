"""Corporate networks, cloud platforms and workload identity: egress proxy, CA bundle, platform."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "network")

PROXY_IN_CLUSTER: Final = code("MM0680")
PROXY_ADDRESS_CLOSED: Final = code("MM0681")
NO_PROXY_INVALID: Final = code("MM0682")
PROXY_VARIABLE_DERIVED: Final = code("MM0683")
PROXY_DECLARED_AS_TLS: Final = code("MM0684")
PROXY_NOT_DECLARED: Final = code("MM0685")
PROXY_IS_EXTERNAL_HOST: Final = code("MM0686")
PROXY_UNUSED: Final = code("MM0687")
CA_VARIABLE_DERIVED: Final = code("MM0688")
INVALID_CONFIG_MAP_KEY: Final = code("MM0689")
PROXY_NOT_IN_SCOPE: Final = code("MM0690")
SYSTEM_PRIORITY_RESERVED: Final = code("MM0691")
PLATFORM_CONTROL_PLANE: Final = code("MM0692")
IDENTITY_OF_OTHER_CLOUD: Final = code("MM0693")
IDENTITY_HOST_MISSING: Final = code("MM0694")
IDENTITY_WITHOUT_PLATFORM: Final = code("MM0695")
USER_ID_ASSIGNED: Final = code("MM0696")
