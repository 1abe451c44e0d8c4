"""Grafana's part of the values of kube-prometheus-stack: storage, log-in, data sources, dashboards from ConfigMaps."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.scraping import GRAFANA_SERVICE
from meshed_mcp.components.observability.args import GrafanaSettings, ObservabilityStackArgs
from meshed_mcp.components.observability.grafana.login import login_values
from meshed_mcp.components.observability.sizing.resources import container_resources
from meshed_mcp.components.observability.tracing.jaeger import query_url
from meshed_mcp.components.promql import traffic

PROMETHEUS_UID: Final = "prometheus"
ALERTMANAGER_UID: Final = "alertmanager"
JAEGER_UID: Final = "jaeger"
LOKI_UID: Final = "loki"
"""Fixed: dashboards and links name data sources by uid."""

DASHBOARD_LABEL: Final = "grafana_dashboard"
DASHBOARD_LABEL_VALUE: Final = "1"
"""Label of the ConfigMaps that Grafana's sidecar loads. Source: the chart's default `sidecar.dashboards`."""

FOLDER_ANNOTATION: Final = "grafana_folder"
"""Annotation of such a ConfigMap that names the folder."""

ADMIN_USER_KEY: Final = "admin-user"
ADMIN_PASSWORD_KEY: Final = "admin-password"  # noqa: S105 - the name of a key
"""Keys of the administrator's Secret. Source: the chart's defaults `grafana.admin.userKey` and `passwordKey`."""

TRACE_LABEL: Final = "trace_id"
"""Label of an exemplar that holds the trace. Source: OpenMetrics, the name that OpenTelemetry's exporters use."""


SERVICE_TAG: Final = {"key": "service.name", "value": "service"}
"""Attribute of a span -> label of a line of the log."""


def grafana_values(args: ObservabilityStackArgs) -> Manifest:
    """The values. A StatefulSet: the chart's Deployment would attach one volume to two pods in every upgrade."""
    settings = args.grafana
    chosen = {} if args.storage_class is None else {"storageClassName": args.storage_class}
    return {
        "fullnameOverride": GRAFANA_SERVICE,
        "admin": {
            "existingSecret": settings.admin_secret,
            "userKey": ADMIN_USER_KEY,
            "passwordKey": ADMIN_PASSWORD_KEY,
        },
        "persistence": {"enabled": True, "type": "sts", "size": f"{settings.storage_gib}Gi", **chosen},
        "initChownData": {"enabled": False},  # runs as root; fsGroup does the same
        "resources": container_resources(settings.resources),
        "sidecar": {"dashboards": dashboards_sidecar(), "datasources": datasources_sidecar()},
        "additionalDataSources": data_sources(args),
        **({} if settings.login is None or settings.url is None else login_values(settings.login, settings.url)),
    }


def dashboards_sidecar() -> Manifest:
    """Load every labeled ConfigMap of the cluster, in folders; nobody edits in the browser what code would undo."""
    return {
        "label": DASHBOARD_LABEL,
        "labelValue": DASHBOARD_LABEL_VALUE,
        "searchNamespace": "ALL",
        "folderAnnotation": FOLDER_ANNOTATION,
        "provider": {"allowUiUpdates": False, "foldersFromFilesStructure": True},
    }


def datasources_sidecar() -> Manifest:
    """Prometheus and Alertmanager under fixed uids, a link from an exemplar to its trace, both there at first start."""
    return {
        "uid": PROMETHEUS_UID,
        "alertmanager": {"uid": ALERTMANAGER_UID},
        "initDatasources": True,
        "exemplarTraceIdDestinations": {
            "datasourceUid": JAEGER_UID,
            "traceIdLabelName": TRACE_LABEL,
            "urlDisplayLabel": "Show trace",
        },
    }


def data_sources(args: ObservabilityStackArgs) -> list[Manifest]:
    """Jaeger, and Loki where the stack names one; each leads to what the others have of the same call."""
    loki_url = args.grafana.loki_url
    links = {"tracesToMetrics": metrics_of_a_span()}
    if loki_url is None:
        return [data_source("Jaeger", JAEGER_UID, query_url(args.namespace), links)]
    links["tracesToLogsV2"] = {"datasourceUid": LOKI_UID, "filterByTraceID": True, "tags": [SERVICE_TAG]}
    to_trace = {
        "name": "Trace",
        "matcherRegex": f'"{TRACE_LABEL}": ?"([0-9a-f]{{32}})"',
        "datasourceUid": JAEGER_UID,
        "url": "$${__value.raw}",  # the file of data sources takes a single $ for a variable of the environment
    }
    return [
        data_source("Jaeger", JAEGER_UID, query_url(args.namespace), links),
        data_source("Loki", LOKI_UID, loki_url, {"derivedFields": [to_trace]}),
    ]


def data_source(name: str, uid: str, url: str, settings: Manifest) -> Manifest:
    """One data source; its type is its uid."""
    return {"name": name, "type": uid, "uid": uid, "access": "proxy", "url": url, "jsonData": settings}


def metrics_of_a_span() -> Manifest:
    """From a span to calls and durations of its service around that time; `$__tags` is Grafana's, $ escaped."""
    select = "$$__tags"
    named = (("Calls per second", traffic.call_rate(select)), ("p99", traffic.latency(0.99, select)))
    return {
        "datasourceUid": PROMETHEUS_UID,
        "spanStartTimeShift": "-10m",
        "spanEndTimeShift": "10m",
        "tags": [{"key": SERVICE_TAG["key"], "value": contract.LABEL_SERVER}],
        "queries": [{"name": name, "query": query} for name, query in named],
    }


def admin_secrets(settings: GrafanaSettings, namespace: str) -> list[Manifest]:
    """The administrator's Secret where the stack gives the password; none where the Secret comes from elsewhere."""
    if settings.admin_password is None:
        return []
    data = {ADMIN_USER_KEY: "admin", ADMIN_PASSWORD_KEY: settings.admin_password}
    meta = metadata(settings.admin_secret, namespace)
    return [manifest("v1", "Secret", meta, type="Opaque", stringData=data)]
