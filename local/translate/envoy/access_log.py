"""Access log of one Envoy: a line of JSON per request that Telemetry selects. Pure."""

from collections.abc import Iterable
from typing import Final

from meshed_mcp.components.mesh.cluster.access_log_fields import FIELDS
from meshed_mcp.local.translate.envoy.api import Message, extension
from meshed_mcp.local.translate.envoy.rbac import most_specific
from meshed_mcp.local.translate.objects.telemetry import AccessLogging, Telemetry

OUTPUT: Final = "/dev/stdout"
"""Source: the rendered mesh configuration, `envoyFileAccessLog`."""

EXPRESSION: Final = "extensions.access_loggers.filters.cel.v3.ExpressionFilter"


def access_log(telemetries: Iterable[Telemetry], namespace: str, labels: dict[str, str]) -> Message:
    """The field `access_log`; without Telemetry every request is logged."""
    log = extension(
        "envoy.access_loggers.file",
        "extensions.access_loggers.file.v3.FileAccessLog",
        path=OUTPUT,
        log_format={"json_format": dict(FIELDS)},
    )
    chosen = most_specific((each for each in telemetries if each.spec.access_logging), namespace, labels)
    logging = chosen.spec.access_logging[0] if chosen else AccessLogging()
    if logging.disabled:
        return {}
    if logging.filter is None:
        return {"access_log": [log]}
    expression = extension(
        "envoy.access_loggers.extension_filters.cel", EXPRESSION, expression=logging.filter.expression
    )
    return {"access_log": [{**log, "filter": {"extension_filter": expression}}]}
