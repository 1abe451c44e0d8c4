"""Kubernetes objects of monitoring that no chart renders."""

from meshed_mcp.components.core.manifest import (
    Manifest,
    controller_namespace,
    manifest,
    metadata,
    selected_by_prometheus,
    standard_labels,
)
from meshed_mcp.components.core.platform_objects import for_platform, user_id_binding
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.config_maps import dashboard_config_maps
from meshed_mcp.components.observability.existing import installed, owns_namespace
from meshed_mcp.components.observability.grafana.gateway import grafana_route
from meshed_mcp.components.observability.grafana.values import admin_secrets
from meshed_mcp.components.observability.metrics import monitors
from meshed_mcp.components.observability.network_policies import metrics_network_policies, tracing_network_policies
from meshed_mcp.components.observability.prometheus.alert_rules import alert_rules
from meshed_mcp.components.observability.prometheus.recording_rules import recording_rules
from meshed_mcp.components.observability.releases import installs_cert_manager
from meshed_mcp.components.observability.tracing.collectors import collector_objects
from meshed_mcp.components.observability.tracing.jaeger import jaeger_objects


def observability_objects(args: ObservabilityStackArgs) -> list[Manifest]:
    """All objects, in the order of registration."""
    return [
        *namespaces(args),
        *chart_prerequisites(args),
        *tracing_objects(args),
        *dashboard_config_maps(args),
        *prometheus_rules(args),
        *pod_monitors(args),
        *grafana_routes(args),
    ]


def namespaces(args: ObservabilityStackArgs) -> list[Manifest]:
    """Namespaces of monitoring, if the stack runs pods there, and of cert-manager, if it installs it.

    Monitoring is outside the mesh: Helm's jobs, scrapes and webhooks hang or fail behind a sidecar. Pod security is
    "privileged" for the node exporter, which reads the node's /proc and /sys.
    """
    labels = {"istio-injection": "disabled", "pod-security.kubernetes.io/enforce": "privileged"}
    meta = metadata(args.namespace, labels=standard_labels(args.namespace) | labels)
    own = [manifest("v1", "Namespace", meta)] if owns_namespace(args) else []
    others = [controller_namespace("cert-manager", args.cert_manager.namespace)] if installs_cert_manager(args) else []
    return [*own, *others]


def chart_prerequisites(args: ObservabilityStackArgs) -> list[Manifest]:
    """Secrets, NetworkPolicies and bindings that exist before the charts are installed."""
    secrets = admin_secrets(args.grafana, args.namespace) if installed(args.grafana) else []
    return [*secrets, *metrics_network_policies(args), *user_id_binding(args.namespace, args.cluster_platform)]


def tracing_objects(args: ObservabilityStackArgs) -> list[Manifest]:
    """Jaeger and the collectors; none beside an existing collector."""
    if not installed(args.jaeger):
        return []
    items = [
        *jaeger_objects(args.jaeger, args.namespace, args.storage_class),
        *collector_objects(args),
        *tracing_network_policies(args),
    ]
    return for_platform(items, args.cluster_platform)


def prometheus_rules(args: ObservabilityStackArgs) -> list[Manifest]:
    """Recording rules and alerts."""
    retention = args.prometheus.retention_days
    found = [recording_rules(args.slo, retention, args.namespace, mesh=args.mesh), alert_rules(args)]
    return selected_by_prometheus(found, args.monitor_labels, args.rule_labels)


def pod_monitors(args: ObservabilityStackArgs) -> list[Manifest]:
    """PodMonitors of the mesh, the rate limit service, Jaeger and the collectors."""
    namespace = args.namespace
    mesh = [
        monitors.envoy_monitor(args),
        monitors.istiod_monitor(namespace),
        monitors.rate_limit_monitor(namespace),
    ]
    tracing = [monitors.tracing_monitor(namespace)] if installed(args.jaeger) else []
    found = [*(mesh if args.mesh else []), *tracing]
    return selected_by_prometheus(found, args.monitor_labels, args.rule_labels)


def grafana_routes(args: ObservabilityStackArgs) -> list[Manifest]:
    """Istio Gateway and VirtualService of Grafana, if it is exposed."""
    grafana = args.grafana
    return grafana_route(grafana.expose, grafana.url, f"{args.namespace}.svc.{args.cluster_domain}")
