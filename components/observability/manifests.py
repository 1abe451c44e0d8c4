"""Every Kubernetes object of monitoring that is not a chart's. Arguments in, objects out, in the order they go in."""

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.cert_manager import cert_manager_namespaces
from meshed_mcp.components.observability.dashboards import config_maps
from meshed_mcp.components.observability.grafana.gateway import grafana_route
from meshed_mcp.components.observability.grafana.values import admin_secrets
from meshed_mcp.components.observability.kiali.release import kiali_network_policy
from meshed_mcp.components.observability.metrics.envoy_monitor import envoy_monitor
from meshed_mcp.components.observability.metrics.istiod_monitor import istiod_monitor
from meshed_mcp.components.observability.metrics.rate_limit_monitor import rate_limit_monitor
from meshed_mcp.components.observability.metrics.tracing_monitor import tracing_monitor
from meshed_mcp.components.observability.prometheus.alert_rules import alert_rules
from meshed_mcp.components.observability.prometheus.network_policies import metrics_walls
from meshed_mcp.components.observability.prometheus.rules import service_levels
from meshed_mcp.components.observability.tracing import collectors, jaeger
from meshed_mcp.components.observability.tracing.network_policies import tracing_walls


def manifests(args: ObservabilityStackArgs) -> list[Manifest]:
    """All of them: namespaces, the administrator's Secret, Jaeger, dashboards, rules, monitors."""
    return [
        *namespaces(args),
        *settings_objects(args),
        *tracing_objects(args),
        *dashboards(args),
        *rules(args),
        *monitors(args),
        *routes(args),
    ]


def namespaces(args: ObservabilityStackArgs) -> list[Manifest]:
    """Namespaces of monitoring and, where we install it, of cert-manager."""
    return [monitoring_namespace(args.namespace), *cert_manager_namespaces(args.cert_manager)]


def monitoring_namespace(name: str) -> Manifest:
    """Outside the mesh: Helm's jobs, scrapes and webhooks have no use for a sidecar and hang or fail behind one.

    Pod security is "privileged" for the node exporter alone, which reads the node's own /proc and /sys.
    """
    labels = standard_labels(name) | {
        "istio-injection": "disabled",
        "pod-security.kubernetes.io/enforce": "privileged",
    }
    return manifest("v1", "Namespace", metadata(name, labels=labels))


def settings_objects(args: ObservabilityStackArgs) -> list[Manifest]:
    """What the charts need to find."""
    walls = [] if args.kiali is None else [kiali_network_policy(args)]
    return [*admin_secrets(args.grafana, args.namespace), *metrics_walls(args), *walls]


def tracing_objects(args: ObservabilityStackArgs) -> list[Manifest]:
    """Jaeger, and the collectors before it."""
    return [
        *jaeger.manifests(args.jaeger, args.namespace, args.storage_class),
        *collectors.manifests(args),
        *tracing_walls(args),
    ]


def dashboards(args: ObservabilityStackArgs) -> list[Manifest]:
    """Our dashboards."""
    return config_maps.manifests(args)


def rules(args: ObservabilityStackArgs) -> list[Manifest]:
    """What is recorded of service levels, and every alert."""
    return [service_levels(args.slo, args.prometheus.retention_days, args.namespace), alert_rules(args)]


def monitors(args: ObservabilityStackArgs) -> list[Manifest]:
    """Scrapes of the mesh's proxies, control plane and rate limit service, of Jaeger and the collectors."""
    place = args.namespace
    return [envoy_monitor(args), istiod_monitor(place), rate_limit_monitor(place), tracing_monitor(place)]


def routes(args: ObservabilityStackArgs) -> list[Manifest]:
    """Grafana at the ingress gateway, where it is exposed. The kinds are Istio's."""
    grafana = args.grafana
    return grafana_route(grafana.expose, grafana.url, f"{args.namespace}.svc.{args.cluster_domain}")
