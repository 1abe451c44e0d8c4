"""Kiali by its official chart: wired to this stack's Prometheus, Grafana and Jaeger, reached by port-forward alone.

Arguments in, release and objects out. No route leads to it: monitoring is outside the mesh, so no sidecar could
tell the gateway from anybody else in front of it. Not here: log-in arguments (args.py), the Roles by which people
see what they may (components/mesh/authorization/kubernetes_roles.py).
Source of every value: `values.yaml` and templates of chart kiali-server 2.29.0; Kiali, configuration reference.
"""

from typing import Final

from meshed_mcp.components.core.charts import ReleaseSpec
from meshed_mcp.components.core.manifest import NAMESPACE_LABEL, Manifest, manifest, metadata
from meshed_mcp.components.core.scraping import GRAFANA_PORT, GRAFANA_SERVICE
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.charts import KIALI_SERVER
from meshed_mcp.components.observability.kiali.args import AnonymousLogin, KialiSettings, OpenIdLogin
from meshed_mcp.components.observability.prometheus.values import prometheus_url
from meshed_mcp.components.observability.sizing.resources import container_resources
from meshed_mcp.components.observability.tracing.jaeger import query_url

NAME: Final = "kiali"
PORT: Final = 20001
METRICS_PORT: Final = 9090
"""Source: chart `kiali-server`, `server.port` and `server.observability.metrics.port`."""

ROOT_NAMESPACE: Final = "istio-system"
"""Where Istio's control plane is; else Kiali looks for it beside itself. Source: Istio, default `rootNamespace`."""


def kiali_release(settings: KialiSettings, args: ObservabilityStackArgs) -> ReleaseSpec:
    """The release."""
    return ReleaseSpec(NAME, args.namespace, KIALI_SERVER.mirrored(args.chart_mirror), kiali_values(settings, args))


def kiali_values(settings: KialiSettings, args: ObservabilityStackArgs) -> Manifest:
    """The values: addresses that are fixed in this stack, and nobody's rights but those of who logs in."""
    grafana = f"http://{GRAFANA_SERVICE}.{args.namespace}.svc:{GRAFANA_PORT}"
    outside = {"external_url": args.grafana.url} if args.grafana.url else {}
    return {
        "auth": login(settings),
        "deployment": {
            "instance_name": NAME,
            "image_pull_policy": "IfNotPresent",
            "logger": {"log_format": "json"},
            "network_policy": {"enabled": False},  # the chart's lets everybody in; ours is below
            "resources": container_resources(settings.resources),
            "view_only_mode": isinstance(settings.login, AnonymousLogin),
        },
        "external_services": {
            "istio": {"root_namespace": ROOT_NAMESPACE},
            "prometheus": {"url": prometheus_url(args.namespace)},
            "grafana": {"enabled": True, "internal_url": grafana, **outside},
            "tracing": {
                "enabled": True,
                "provider": "jaeger",
                "internal_url": query_url(args.namespace),
                "use_grpc": False,
            },
        },
        "login_token": {"signing_key": f"secret:{settings.signing_secret}:key"},
    }


def login(settings: KialiSettings) -> Manifest:
    """How people log in; with openid their own rights in Kubernetes hold."""
    found: Manifest = {"strategy": settings.login.strategy}
    if isinstance(settings.login, OpenIdLogin):
        found["openid"] = {
            "issuer_uri": settings.login.issuer,
            "client_id": settings.login.client_id,
            "disable_rbac": False,
            "scopes": ["openid", "email", "groups"],
        }
    return found


def kiali_network_policy(args: ObservabilityStackArgs) -> Manifest:
    """Prometheus reaches its metrics, and nothing in the cluster its pages: a port-forward does, past this."""
    monitoring = {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: args.namespace}}}
    spec = {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": NAME}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [monitoring], "ports": [{"protocol": "TCP", "port": METRICS_PORT}]}],
    }
    return manifest("networking.k8s.io/v1", "NetworkPolicy", metadata(NAME, args.namespace), spec)
