"""Grafana's values in kube-prometheus-stack: storage, login, data sources, dashboards from ConfigMaps."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.scraping import GRAFANA_PORT, GRAFANA_SERVICE
from meshed_mcp.components.observability.args import GrafanaSettings, ObservabilityStackArgs
from meshed_mcp.components.observability.existing import installed
from meshed_mcp.components.observability.grafana.login import login_values
from meshed_mcp.components.observability.sizing.resources import container_resources
from meshed_mcp.components.observability.tracing.jaeger import query_url
from meshed_mcp.components.promql import traffic

PROMETHEUS_UID: Final = "prometheus"
JAEGER_UID: Final = "jaeger"
LOKI_UID: Final = "loki"
"""Fixed uids, by which dashboards and links refer to data sources."""

DASHBOARD_LABEL: Final = "grafana_dashboard"
DASHBOARD_LABEL_VALUE: Final = "1"
"""Label of the ConfigMaps that Grafana's sidecar loads. Source: the chart's default `sidecar.dashboards`."""

FOLDER_ANNOTATION: Final = "grafana_folder"
"""Annotation of such a ConfigMap with its folder."""

ADMIN_USER_KEY: Final = "admin-user"
ADMIN_PASSWORD_KEY: Final = "admin-password"  # noqa: S105 - the name of a key
"""Keys of the administrator's Secret. Source: the chart's defaults `grafana.admin.userKey` and `passwordKey`."""

TRACE_LABEL: Final = "trace_id"
"""Exemplar label with the trace ID. Source: OpenMetrics, the name that OpenTelemetry's exporters use."""

SERVICE_TAG: Final = {"key": "service.name", "value": "service"}
"""Span attribute -> label of log lines."""


DASHBOARDS_SIDECAR: Final = {
    "label": DASHBOARD_LABEL,
    "labelValue": DASHBOARD_LABEL_VALUE,
    "searchNamespace": "ALL",
    "folderAnnotation": FOLDER_ANNOTATION,
    "provider": {"allowUiUpdates": False, "foldersFromFilesStructure": True},
}
"""Load labeled ConfigMaps of all namespaces into folders. Read-only, because the code would overwrite edits."""

DATASOURCES_SIDECAR: Final = {
    "uid": PROMETHEUS_UID,
    "alertmanager": {"uid": "alertmanager"},
    "initDatasources": True,
    "exemplarTraceIdDestinations": {
        "datasourceUid": JAEGER_UID,
        "traceIdLabelName": TRACE_LABEL,
        "urlDisplayLabel": "Show trace",
    },
}
"""Prometheus and Alertmanager under fixed uids, with links from exemplars to traces."""


def grafana_values(args: ObservabilityStackArgs) -> Manifest:
    """The values. A StatefulSet, because the chart's Deployment attaches one volume to two pods in every upgrade."""
    settings = args.grafana
    storage_class = {} if args.storage_class is None else {"storageClassName": args.storage_class}
    return {
        "fullnameOverride": GRAFANA_SERVICE,
        "admin": {
            "existingSecret": settings.admin_secret,
            "userKey": ADMIN_USER_KEY,
            "passwordKey": ADMIN_PASSWORD_KEY,
        },
        "persistence": {"enabled": True, "type": "sts", "size": f"{settings.storage_gib}Gi", **storage_class},
        "initChownData": {"enabled": False},  # runs as root; fsGroup has the same effect
        "resources": container_resources(settings.resources),
        "sidecar": {"dashboards": DASHBOARDS_SIDECAR, "datasources": datasources_sidecar(args)},
        **service_monitor_labels(args),
        "additionalDataSources": data_sources(args),
        **({} if settings.login is None or settings.url is None else login_values(settings.login, settings.url)),
    }


def datasources_sidecar(args: ObservabilityStackArgs) -> Manifest:
    """Data sources from the sidecar; an existing Prometheus by its URL, without its Alertmanager."""
    if installed(args.prometheus):
        return dict(DATASOURCES_SIDECAR)
    return {**DATASOURCES_SIDECAR, "url": args.prometheus.url, "alertmanager": {"enabled": False}}


def service_monitor_labels(args: ObservabilityStackArgs) -> Manifest:
    """Labels of Grafana's ServiceMonitor, by which an existing Prometheus selects it."""
    return {"serviceMonitor": {"labels": dict(args.monitor_labels)}} if args.monitor_labels else {}


def grafana_url(args: ObservabilityStackArgs) -> str | None:
    """Address of Grafana inside the cluster; of an existing one: the URL that the stack names, if any."""
    if installed(args.grafana):
        return f"http://{GRAFANA_SERVICE}.{args.namespace}.svc:{GRAFANA_PORT}"
    return args.grafana.url


def data_sources(args: ObservabilityStackArgs) -> list[Manifest]:
    """Jaeger, and Loki if configured, with links between traces, metrics and logs."""
    loki_url = args.grafana.loki_url
    if not installed(args.jaeger):
        return [] if loki_url is None else [data_source("Loki", LOKI_UID, loki_url, {})]
    links = {"tracesToMetrics": span_metrics_links()}
    if loki_url is None:
        return [data_source("Jaeger", JAEGER_UID, query_url(args.namespace), links)]
    links["tracesToLogsV2"] = {"datasourceUid": LOKI_UID, "filterByTraceID": True, "tags": [SERVICE_TAG]}
    to_trace = {
        "name": "Trace",
        "matcherRegex": f'"{TRACE_LABEL}": ?"([0-9a-f]{{32}})"',
        "datasourceUid": JAEGER_UID,
        "url": "$${__value.raw}",  # a single $ in the data source file is an environment variable
    }
    return [
        data_source("Jaeger", JAEGER_UID, query_url(args.namespace), links),
        data_source("Loki", LOKI_UID, loki_url, {"derivedFields": [to_trace]}),
    ]


def data_source(name: str, uid: str, url: str, settings: Manifest) -> Manifest:
    """One data source; its type is its uid."""
    return {"name": name, "type": uid, "uid": uid, "access": "proxy", "url": url, "jsonData": settings}


def span_metrics_links() -> Manifest:
    """Links from a span to call rate and p99 of its service; `$__tags` is Grafana's macro, with $ escaped."""
    select = "$$__tags"
    queries = (("Calls per second", traffic.call_rate(select)), ("p99", traffic.latency(0.99, select)))
    return {
        "datasourceUid": PROMETHEUS_UID,
        "spanStartTimeShift": "-10m",
        "spanEndTimeShift": "10m",
        "tags": [{"key": SERVICE_TAG["key"], "value": contract.LABEL_SERVER}],
        "queries": [{"name": name, "query": query} for name, query in queries],
    }


def admin_secrets(settings: GrafanaSettings, namespace: str) -> list[Manifest]:
    """The administrator's Secret, if the stack sets the password."""
    if settings.admin_password is None:
        return []
    data = {ADMIN_USER_KEY: "admin", ADMIN_PASSWORD_KEY: settings.admin_password}
    meta = metadata(settings.admin_secret, namespace)
    return [manifest("v1", "Secret", meta, type="Opaque", stringData=data)]
