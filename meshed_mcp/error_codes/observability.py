"""Observability: Prometheus, Alertmanager, Grafana, Jaeger, Kiali."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "observability")

INVALID_HOST_AND_PORT: Final = code("MM0500")
PORT_OUT_OF_RANGE: Final = code("MM0501")
MAIL_SERVER_UNREACHABLE: Final = code("MM0502")
INVALID_MAIL_ADDRESS: Final = code("MM0503")
MAIL_LOGIN_INCOMPLETE: Final = code("MM0504")
INVALID_POD_REFERENCE: Final = code("MM0505")
LOGIN_WITHOUT_URL: Final = code("MM0506")
EXPOSED_WITHOUT_LOGIN: Final = code("MM0507")
LOGIN_IN_PLAINTEXT: Final = code("MM0509")
UNKNOWN_ROLE: Final = code("MM0510")
NO_ADMIN_ROLE: Final = code("MM0511")
INVALID_LATENCY: Final = code("MM0512")
UNKNOWN_ALERT: Final = code("MM0513")
FOR_OF_BURN_RATE: Final = code("MM0514")
INVALID_FOR: Final = code("MM0515")
FOR_TOO_LONG: Final = code("MM0516")
NO_THRESHOLD: Final = code("MM0517")
THRESHOLD_SET_ELSEWHERE: Final = code("MM0518")
THRESHOLD_OUT_OF_RANGE: Final = code("MM0519")
EXISTING_PART_ONLY: Final = code("MM0560")
INSTALLED_PART_ONLY: Final = code("MM0561")
EXISTING_PART_WITHOUT_PLACE: Final = code("MM0562")
COLLECTORS_WITHOUT_JAEGER: Final = code("MM0563")
KIALI_WITHOUT_MESH: Final = code("MM0564")
GRAFANA_ROUTE_WITHOUT_MESH: Final = code("MM0565")
SELECTOR_EXCLUDES: Final = code("MM0566")
