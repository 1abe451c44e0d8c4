"""IP addresses: zone ids, IPv6 literals, IP families of the cluster."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "addresses")

ADDRESS_WITH_ZONE: Final = code("MM1035")
HOST_WITH_ZONE: Final = code("MM1036")
HOST_WITHOUT_BRACKETS: Final = code("MM1037")
HOST_NOT_AN_ADDRESS: Final = code("MM1038")
DUAL_STACK_NOT_SET: Final = code("MM1039")
