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
