"""Values of the chart kube-prometheus-stack: Prometheus, its operator, Alertmanager. Arguments in, values out.

Only what differs from the chart's defaults, each with its reason. Not here: Grafana's part
(`observability/grafana/values.py`), chart versions (`charts.py`).
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.alertmanager.routing import alertmanager_config, secrets
from meshed_mcp.components.observability.args import ObservabilityStackArgs, Platform, PrometheusSettings
from meshed_mcp.components.observability.grafana.values import grafana_values
from meshed_mcp.components.observability.metrics.vpa_recommendations import kube_state_metrics_values
from meshed_mcp.components.observability.prometheus.remote_write_args import remote_write_values
from meshed_mcp.components.observability.sizing.resources import Reservation, container_resources
from meshed_mcp.components.observability.sizing.volumes import volume_claim

FULL_NAME: Final = "kube-prometheus-stack"
"""Prefix of the chart's object names; it cuts longer ones at 26 characters."""

PROMETHEUS_SERVICE: Final = f"{FULL_NAME}-prometheus"
PROMETHEUS_PORT: Final = 9090
"""Source of both: the chart's template prometheus/service.yaml and its default `prometheus.service.port`."""

RETENTION_SHARE: Final = 0.8
"""Part of the volume that blocks may fill; the rest is the write-ahead log and head. Source: Prometheus, "Storage"
(80 to 85 %)."""

GC_PERCENT: Final = 50
"""Garbage that may gather before it is collected, in percent of what lives; Prometheus' own 75 is a sixth more memory
for a little less CPU, of which monitoring needs far less. Source: Go, "A Guide to the Go Garbage Collector"."""

EXEMPLARS: Final = 100_000
"""Exemplars in memory, about 100 bytes each. Source: default of `storage.exemplars.max_exemplars`."""

STARTUP_SECONDS: Final = 3600
"""Longest replay of the write-ahead log before the pod counts as failed; the operator's 900 s is a crash loop for large
ones."""

SAMPLE_LIMIT: Final = 200_000
TARGET_LIMIT: Final = 5_000
LABEL_LIMIT: Final = 100
BODY_SIZE_LIMIT: Final = "100MB"
KEPT_DROPPED_TARGETS: Final = 100
"""Guards, per scrape (targets: per job); the chart sets none. Far above kube-state-metrics of 1,000 pods: they stop a
runaway label, not growth."""

OUT_OF_ORDER_WINDOW: Final = "5m"
"""Source: Prometheus, "Using Prometheus as your OpenTelemetry backend": wider than collectors hold back."""

OPERATOR_RESOURCES: Final = Reservation(cpu="50m", memory="256Mi")

CONTROL_PLANE: Final = ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy")
CONTROL_PLANE_RULES: Final = (
    "etcd",
    "kubeControllerManager",
    "kubeProxy",
    "kubeSchedulerAlerting",
    "kubeSchedulerRecording",
)
"""Keys of the values, and of `defaultRules.rules`, that a managed cluster can only alarm about."""

MONITOR_KINDS: Final = ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")


def kube_prometheus_stack_values(args: ObservabilityStackArgs) -> Manifest:
    """The values. No Helm hook is left: certificates come from cert-manager, CRDs from their own release."""
    managed = args.platform is Platform.MANAGED
    return {
        "fullnameOverride": FULL_NAME,
        "crds": {"enabled": False},
        "prometheusOperator": {
            "admissionWebhooks": {"certManager": {"enabled": True}, "patch": {"enabled": False}},
            "resources": container_resources(OPERATOR_RESOURCES),
        },
        "prometheus": {
            "prometheusSpec": prometheus_spec(args.prometheus, args.storage_class) | span_metrics(args),
            "podDisruptionBudget": {"enabled": args.prometheus.replicas > 1},
        },
        "alertmanager": alertmanager_values(args),
        "grafana": grafana_values(args),
        **{part: {"enabled": not managed} for part in CONTROL_PLANE},
        "kube-state-metrics": kube_state_metrics_values(),
        "defaultRules": {"rules": dict.fromkeys(CONTROL_PLANE_RULES, not managed)},
    }


def prometheus_spec(settings: PrometheusSettings, storage_class: str | None) -> Manifest:
    """What the operator turns into Prometheus."""
    return {
        **every_monitor(),
        **guards(),
        "replicas": settings.replicas,
        "scrapeInterval": f"{settings.scrape_interval_seconds}s",
        "evaluationInterval": f"{settings.scrape_interval_seconds}s",
        "retention": f"{settings.retention_days}d",
        "retentionSize": retention_size(settings.storage_gib),
        "storageSpec": {"volumeClaimTemplate": volume_claim(settings.storage_gib, storage_class)},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "enableFeatures": ["exemplar-storage"],
        "exemplars": {"maxSize": EXEMPLARS},
        "serviceDiscoveryRole": "EndpointSlice",
        "runtime": {"goGC": GC_PERCENT},
        "maximumStartupDurationSeconds": STARTUP_SECONDS,
        "resources": container_resources(settings.resources),
        **({} if settings.remote_write is None else remote_write_values(settings.remote_write)),
    }


def span_metrics(args: ObservabilityStackArgs) -> Manifest:
    """Take what the collectors count by OTLP, late samples too: gateways flush at their own times."""
    if args.collectors is None or not args.collectors.span_metrics:
        return {}
    promoted = ["service.instance.id", "service.namespace"]
    window = {"outOfOrderTimeWindow": OUT_OF_ORDER_WINDOW}
    return {"enableOTLPReceiver": True, "otlp": {"promoteResourceAttributes": promoted}, "tsdb": window}


def every_monitor() -> Manifest:
    """Select the monitors and rules of every namespace; the chart's default sees only its own release's."""
    return {f"{kind}SelectorNilUsesHelmValues": False for kind in MONITOR_KINDS}


def guards() -> Manifest:
    """Limits that no monitor can lift."""
    return {
        "enforcedSampleLimit": SAMPLE_LIMIT,
        "enforcedTargetLimit": TARGET_LIMIT,
        "enforcedLabelLimit": LABEL_LIMIT,
        "enforcedBodySizeLimit": BODY_SIZE_LIMIT,
        "enforcedKeepDroppedTargets": KEPT_DROPPED_TARGETS,
    }


def retention_size(storage_gib: int) -> str:
    """Size at which the oldest blocks go, for a volume of `storage_gib`."""
    return f"{int(storage_gib * 1024 * RETENTION_SHARE)}MiB"


def alertmanager_values(args: ObservabilityStackArgs) -> Manifest:
    """Alertmanager with a volume, our routes, and the Secrets that they read."""
    settings = args.alertmanager
    return {
        "podDisruptionBudget": {"enabled": settings.replicas > 1},
        "config": alertmanager_config(settings),
        "alertmanagerSpec": {
            "secrets": secrets(settings),
            "replicas": settings.replicas,
            "storage": {"volumeClaimTemplate": volume_claim(settings.storage_gib, args.storage_class)},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "resources": container_resources(settings.resources),
        },
    }


def prometheus_url(namespace: str) -> str:
    """Address of Prometheus inside the cluster."""
    return f"http://{PROMETHEUS_SERVICE}.{namespace}.svc:{PROMETHEUS_PORT}"
