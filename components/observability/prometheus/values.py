"""Values of the chart kube-prometheus-stack that differ from its defaults."""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.alertmanager.routing import alertmanager_config, secrets
from meshed_mcp.components.observability.args import ObservabilityStackArgs, Platform, PrometheusSettings
from meshed_mcp.components.observability.existing import installed
from meshed_mcp.components.observability.grafana.values import grafana_values
from meshed_mcp.components.observability.prometheus.remote_write_args import remote_write_values
from meshed_mcp.components.observability.sizing.resources import Reservation, container_resources, volume_claim
from meshed_mcp.components.promql.autoscaling import VPA_METRICS

FULL_NAME: Final = "kube-prometheus-stack"
"""Prefix of the chart's object names; it cuts longer ones at 26 characters."""

PROMETHEUS_SERVICE: Final = f"{FULL_NAME}-prometheus"
PROMETHEUS_PORT: Final = 9090
"""Source of both: the chart's template prometheus/service.yaml and its default `prometheus.service.port`."""

RETENTION_SHARE: Final = 0.8
"""Ratio of the volume for blocks; the rest is for the write-ahead log and head. Source: Prometheus, "Storage"
(80 to 85 %)."""

GC_PERCENT: Final = 50
"""GOGC, percent. Prometheus' default of 75 uses a sixth more memory for slightly less CPU. Source: Go, "A Guide to the
Go Garbage Collector"."""

EXEMPLARS: Final = 100_000
"""Exemplars in memory, about 100 bytes each. Source: default of `storage.exemplars.max_exemplars`."""

STARTUP_SECONDS: Final = 3600
"""Time limit for the replay of the write-ahead log; the operator's 900 s causes a crash loop for large ones."""

SCRAPE_LIMITS: Final = {
    "enforcedSampleLimit": 200_000,
    "enforcedTargetLimit": 5_000,
    "enforcedLabelLimit": 100,
    "enforcedBodySizeLimit": "100MB",
    "enforcedKeepDroppedTargets": 100,
}
"""Limits per scrape (targets: per job) that no monitor can raise, far above kube-state-metrics of 1,000 pods: they stop
runaway labels only."""

OUT_OF_ORDER_WINDOW: Final = "5m"
"""Longer than collectors delay metrics. Source: Prometheus, "Using Prometheus as your OpenTelemetry backend"."""

OPERATOR_RESOURCES: Final = Reservation(cpu="50m", memory="256Mi")

CONTROL_PLANE: Final = ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy")
CONTROL_PLANE_RULES: Final = (
    "etcd",
    "kubeControllerManager",
    "kubeProxy",
    "kubeSchedulerAlerting",
    "kubeSchedulerRecording",
)
"""Keys of the values and of `defaultRules.rules` whose targets are unreachable in a managed cluster."""

MONITOR_KINDS: Final = ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
"""Selected in all namespaces; the chart's default selects only those of its own release."""

VPA_KIND: Final = {"group": "autoscaling.k8s.io", "version": "v1", "kind": "VerticalPodAutoscaler"}
VPA_PREFIX: Final = "kube_vpa"
READ: Final = ["list", "watch"]


EXPORTERS: Final = ("kubeStateMetrics", "nodeExporter", "kubeApiServer", "kubelet", "coreDns", *CONTROL_PLANE)
"""Keys of the values whose targets an existing Prometheus scrapes already."""


def kube_prometheus_stack_values(args: ObservabilityStackArgs) -> Manifest:
    """The values, without Helm hooks: cert-manager issues certificates, and CRDs are a release of their own."""
    common = {"fullnameOverride": FULL_NAME, "crds": {"enabled": False}}
    grafana = grafana_values(args) if installed(args.grafana) else {"enabled": False}
    parts = prometheus_values(args) if installed(args.prometheus) else grafana_alone()
    return {**common, **parts, "grafana": grafana}


def grafana_alone() -> Manifest:
    """Values that install Grafana beside an existing Prometheus: the chart's other parts are off."""
    parts = ("prometheusOperator", "prometheus", "alertmanager", *EXPORTERS)
    return {**{part: {"enabled": False} for part in parts}, "defaultRules": {"create": False}}


def prometheus_values(args: ObservabilityStackArgs) -> Manifest:
    """Values of the operator, Prometheus, Alertmanager, exporters and their rules."""
    managed = args.platform is Platform.MANAGED
    return {
        "prometheusOperator": {
            "admissionWebhooks": {"certManager": {"enabled": True}, "patch": {"enabled": False}},
            "resources": container_resources(OPERATOR_RESOURCES),
        },
        "prometheus": {
            "prometheusSpec": prometheus_spec(args.prometheus, args.storage_class) | span_metrics(args),
            "podDisruptionBudget": {"enabled": args.prometheus.replicas > 1},
        },
        "alertmanager": alertmanager_values(args),
        **{part: {"enabled": not managed} for part in CONTROL_PLANE},
        "kube-state-metrics": kube_state_metrics_values(),
        "defaultRules": {"rules": dict.fromkeys(CONTROL_PLANE_RULES, not managed)},
    }


def prometheus_spec(settings: PrometheusSettings, storage_class: str | None) -> Manifest:
    """Spec of the Prometheus resource."""
    return {
        **{f"{kind}SelectorNilUsesHelmValues": False for kind in MONITOR_KINDS},
        **SCRAPE_LIMITS,
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
    """Accept span metrics of the collectors by OTLP, late samples included, because each gateway flushes on its own."""
    if args.collectors is None or not args.collectors.span_metrics:
        return {}
    promoted = ["service.instance.id", "service.namespace"]
    window = {"outOfOrderTimeWindow": OUT_OF_ORDER_WINDOW}
    return {"enableOTLPReceiver": True, "otlp": {"promoteResourceAttributes": promoted}, "tsdb": window}


def retention_size(storage_gib: int) -> str:
    """Size at which Prometheus deletes the oldest blocks, for a volume of `storage_gib`."""
    return f"{int(storage_gib * 1024 * RETENTION_SHARE)}MiB"


def alertmanager_values(args: ObservabilityStackArgs) -> Manifest:
    """Alertmanager with a volume, our configuration, and its Secrets."""
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


def prometheus_url(args: ObservabilityStackArgs) -> str:
    """Address of Prometheus inside the cluster."""
    return args.prometheus.url or f"http://{PROMETHEUS_SERVICE}.{args.namespace}.svc:{PROMETHEUS_PORT}"


def kube_state_metrics_values() -> Manifest:
    """Values of the chart kube-state-metrics that export recommendations of VPAs; no effect in a cluster without VPA.

    Source: kube-state-metrics, "Custom Resource State Metrics"; its chart, `customResourceState`, `rbac.extraRules`.
    """
    rules = [
        {"apiGroups": ["autoscaling.k8s.io"], "resources": ["verticalpodautoscalers"], "verbs": READ},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": READ},
    ]
    metrics = [
        {
            "name": name.removeprefix(f"{VPA_PREFIX}_"),
            "help": f"Request of {resource} that the VerticalPodAutoscaler recommends.",
            "each": {
                "type": "Gauge",
                "gauge": {
                    "path": ["status", "recommendation", "containerRecommendations"],
                    "labelsFromPath": {"container": ["containerName"]},
                    "valueFrom": ["target", resource],
                },
            },
        }
        for resource, name in VPA_METRICS.items()
    ]
    labels = {"namespace": ["metadata", "namespace"], "verticalpodautoscaler": ["metadata", "name"]}
    read = {"groupVersionKind": VPA_KIND, "metricNamePrefix": VPA_PREFIX, "labelsFromPath": labels, "metrics": metrics}
    config = {"kind": "CustomResourceStateMetrics", "spec": {"resources": [read]}}
    return {"rbac": {"extraRules": rules}, "customResourceState": {"enabled": True, "config": config}}
