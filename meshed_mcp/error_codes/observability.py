"""Observability: Prometheus, Alertmanager, Grafana, Jaeger, Kiali."""

from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

INVALID_HOST_AND_PORT: Final = ErrorCode(
    "MM0500", "{text!r} is not a host with a port; use one such as 'smtp.example.com:587'"
)
PORT_OUT_OF_RANGE: Final = ErrorCode(
    "MM0501", "{text!r} has no port from 1 to {most}; use one such as 'smtp.example.com:587'"
)
MAIL_SERVER_UNREACHABLE: Final = ErrorCode(
    "MM0502",
    "{text!r} cannot be reached from a pod, for which {host} is the pod itself or does not exist; use one such "
    "as 'smtp.example.com:587'",
)
INVALID_MAIL_ADDRESS: Final = ErrorCode(
    "MM0503", "{text!r} is not a mail address; use one such as 'operators@example.com'"
)
MAIL_LOGIN_INCOMPLETE: Final = ErrorCode(
    "MM0504", "{given} is set without {missing}, so no login works; set {missing}: {fix}"
)
INVALID_POD_REFERENCE: Final = ErrorCode(
    "MM0505", '{text!r} is not a reference to pods: {error}; use "namespace" or "namespace/app"'
)
LOGIN_WITHOUT_URL: Final = ErrorCode(
    "MM0506",
    "login is set without url, and the identity provider must know where to redirect users; set url: "
    "'https://grafana.example.com'",
)
EXPOSED_WITHOUT_LOGIN: Final = ErrorCode(
    "MM0507",
    "expose is set without login and an https url, so dashboards would be open or passwords sent in plaintext; "
    "set login: and url: https://",
)
LOGIN_IN_PLAINTEXT: Final = ErrorCode("MM0509", "{text!r} would send log-ins in plaintext; use https://")
UNKNOWN_ROLE: Final = ErrorCode("MM0510", "there is no role {names}; use {known}")
NO_ADMIN_ROLE: Final = ErrorCode(
    "MM0511", "roles give no group the role Admin, so no user can administer Grafana; map one, such as mcp-admin: Admin"
)
INVALID_LATENCY: Final = ErrorCode(
    "MM0512", "{seconds:g} s is not a bucket bound of the duration histogram; use one of {bounds}"
)
UNKNOWN_ALERT: Final = ErrorCode("MM0513", "unknown alert; {advice}")
FOR_OF_BURN_RATE: Final = ErrorCode(
    "MM0514",
    "cannot be set, because each window of a burn-rate alert has its own; set severity, threshold, or enabled: false",
)
INVALID_FOR: Final = ErrorCode("MM0515", "{duration!r} is not a Prometheus duration; set {advice}")
FOR_TOO_LONG: Final = ErrorCode("MM0516", "{duration} is longer than {most}; set {most} or less")
NO_THRESHOLD: Final = ErrorCode("MM0517", "this alert has no threshold; set for, severity, or enabled: false")
THRESHOLD_SET_ELSEWHERE: Final = ErrorCode("MM0518", "cannot be set here; set {key}")
THRESHOLD_OUT_OF_RANGE: Final = ErrorCode("MM0519", "{value} is out of range; set {allowed} ({unit})")
