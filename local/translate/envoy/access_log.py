"""The access log of one Envoy: a line of JSON on its standard output for each request that Telemetry lets through.

Telemetry objects and a workload in, the connection manager's field out. Not here: where the output goes (proxies.py).
"""

from collections.abc import Iterable
from typing import Final

from meshed_mcp.components.mesh.cluster.access_log_fields import FIELDS
from meshed_mcp.local.translate.envoy.api import Message, extension
from meshed_mcp.local.translate.envoy.rbac import ROOT_NAMESPACE
from meshed_mcp.local.translate.objects.telemetry import AccessLogging, Telemetry

OUTPUT: Final = "/dev/stdout"
"""Source: the rendered mesh configuration, `envoyFileAccessLog`."""

EXPRESSION: Final = "extensions.access_loggers.filters.cel.v3.ExpressionFilter"


def access_log(telemetries: Iterable[Telemetry], namespace: str, labels: dict[str, str]) -> Message:
    """The field `access_log`; every request is logged where no object says which."""
    log = extension(
        "envoy.access_loggers.file",
        "extensions.access_loggers.file.v3.FileAccessLog",
        path=OUTPUT,
        log_format={"json_format": dict(FIELDS)},
    )
    chosen = _narrowest(telemetries, namespace, labels)
    if chosen is None or (chosen.filter is None and not chosen.disabled):
        return {"access_log": [log]}
    if chosen.disabled or chosen.filter is None:
        return {}
    expression = extension(
        "envoy.access_loggers.extension_filters.cel", EXPRESSION, expression=chosen.filter.expression
    )
    return {"access_log": [{**log, "filter": {"extension_filter": expression}}]}


def _narrowest(telemetries: Iterable[Telemetry], namespace: str, labels: dict[str, str]) -> AccessLogging | None:
    found = [
        (bool(each.spec.selector.match_labels), each.namespace == namespace, each.spec.access_logging[0])
        for each in telemetries
        if each.spec.access_logging
        and each.namespace in (namespace, ROOT_NAMESPACE)
        and each.spec.selector.selects(labels)
    ]
    return max(found, key=lambda each: each[:2])[2] if found else None
