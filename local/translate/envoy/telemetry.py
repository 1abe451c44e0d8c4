"""Access log and tracing of one Envoy by Telemetry: a line of JSON per request, spans by OTLP over HTTP. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.mesh.cluster.access_log import FIELDS
from meshed_mcp.error_codes.local import COLLECTOR_NOT_USABLE
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.envoy.api import Message, extension
from meshed_mcp.local.translate.envoy.clusters import dns_cluster
from meshed_mcp.local.translate.envoy.security import most_specific
from meshed_mcp.local.translate.objects.policies import AccessLogging, Telemetry

OUTPUT: Final = "/dev/stdout"
"""Source: the rendered mesh configuration, `envoyFileAccessLog`."""

EXPRESSION: Final = "extensions.access_loggers.filters.cel.v3.ExpressionFilter"

WITHOUT_QUERY: Final = extension(
    "envoy.formatter.req_without_query", "extensions.formatter.req_without_query.v3.ReqWithoutQuery"
)
"""Source: istiod, `telemetry_logging.go`: it adds the formatter to a format that needs it."""

CLUSTER: Final = "outbound|4318||collector"
EXPORT_TIMEOUT: Final = "10s"
"""Source: Istio, OpenTelemetry tracing provider, default of `http.timeout`."""

TRACES_PATH: Final = "/v1/traces"
"""Source: OTLP specification, "OTLP/HTTP Request"."""


class Collector(NamedTuple):
    """A collector with OTLP over plain HTTP."""

    url: str
    host: str
    port: int

    @property
    def traces_url(self) -> str:
        """URL for spans."""
        return self.url + TRACES_PATH

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """The collector of OTEL_EXPORTER_OTLP_ENDPOINT; None if unset. Raises LocalRunError."""
        url = environment.get(contract.ENV_OTLP_ENDPOINT, "").rstrip("/")
        if not url:
            return None
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise LocalRunError(COLLECTOR_NOT_USABLE.message(variable=contract.ENV_OTLP_ENDPOINT, url=url))
        return cls(url, parts.hostname, parts.port or 80)


def access_log(telemetries: Iterable[Telemetry], namespace: str, labels: dict[str, str]) -> Message:
    """The field `access_log`; without Telemetry every request is logged."""
    log = extension(
        "envoy.access_loggers.file",
        "extensions.access_loggers.file.v3.FileAccessLog",
        path=OUTPUT,
        log_format={"json_format": dict(FIELDS), "formatters": [WITHOUT_QUERY]},
    )
    chosen = most_specific((each for each in telemetries if each.spec.access_logging), namespace, labels)
    logging = chosen.spec.access_logging[0] if chosen else AccessLogging()
    if logging.disabled:
        return {}
    if logging.filter is None:
        return {"access_log": [log]}
    name = "envoy.access_loggers.extension_filters.cel"
    expression = extension(name, EXPRESSION, expression=logging.filter.expression)
    return {"access_log": [{**log, "filter": {"extension_filter": expression}}]}


def sampling_percent(telemetries: Iterable[Telemetry], namespace: str, labels: dict[str, str]) -> float | None:
    """Percentage of the requests that the proxy of a workload traces; None without Telemetry."""
    chosen = most_specific((each for each in telemetries if each.spec.tracing), namespace, labels)
    return chosen.spec.tracing[0].random_sampling_percentage if chosen else None


def tracing(collector: Collector | None, service: str, percent: float | None) -> Message:
    """The field `tracing` of the connection manager; the sampling decision of the caller wins, as in istiod."""
    if collector is None or percent is None:
        return {}
    to = {"http_uri": {"uri": collector.traces_url, "cluster": CLUSTER, "timeout": EXPORT_TIMEOUT}}
    name, message = "envoy.tracers.opentelemetry", "config.trace.v3.OpenTelemetryConfig"
    provider = extension(name, message, http_service=to, service_name=service)
    return {"tracing": {"random_sampling": {"value": percent}, "provider": provider}}


def collector_clusters(collector: Collector | None) -> list[Message]:
    """The collector as a cluster outside the mesh."""
    return [dns_cluster(CLUSTER, collector.host, collector.port)] if collector else []
