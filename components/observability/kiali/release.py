"""Helm release of Kiali, connected to the stack's Prometheus, Grafana and Jaeger and reachable by port-forward only.

No route exposes it: monitoring is outside the mesh, so no sidecar could authenticate the gateway.
Source of every value: `values.yaml` and templates of chart kiali-server 2.29.0; Kiali, configuration reference.
"""

from typing import Final

from meshed_mcp.components.core.charts import ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.charts import KIALI_SERVER
from meshed_mcp.components.observability.existing import installed
from meshed_mcp.components.observability.grafana.values import grafana_url
from meshed_mcp.components.observability.kiali.args import AnonymousLogin, KialiSettings, OpenIdLogin
from meshed_mcp.components.observability.prometheus.values import prometheus_url
from meshed_mcp.components.observability.sizing.resources import container_resources
from meshed_mcp.components.observability.tracing.jaeger import query_url

NAME: Final = "kiali"
PORT: Final = 20001
METRICS_PORT: Final = 9090
"""Source: chart `kiali-server`, `server.port` and `server.observability.metrics.port`."""


def kiali_release(settings: KialiSettings, args: ObservabilityStackArgs) -> ReleaseSpec:
    """The release of Kiali."""
    return ReleaseSpec(NAME, args.namespace, KIALI_SERVER.mirrored(args.chart_mirror), kiali_values(settings, args))


def kiali_values(settings: KialiSettings, args: ObservabilityStackArgs) -> Manifest:
    """Values of the chart: addresses in this stack; users have their own permissions."""
    grafana = grafana_url(args)
    external = {"external_url": args.grafana.url} if args.grafana.url else {}
    return {
        "auth": login(settings),
        "deployment": {
            "instance_name": NAME,
            "image_pull_policy": "IfNotPresent",
            "logger": {"log_format": "json"},
            "network_policy": {"enabled": False},  # the chart's admits every pod; ours is in network_policies.py
            "resources": container_resources(settings.resources),
            "view_only_mode": isinstance(settings.login, AnonymousLogin),
        },
        "external_services": {
            "istio": {"root_namespace": args.istio_namespace},
            "prometheus": {"url": prometheus_url(args)},
            "grafana": {"enabled": True, "internal_url": grafana, **external} if grafana else {"enabled": False},
            "tracing": tracing(args),
        },
        "login_token": {"signing_key": f"secret:{settings.signing_secret}:key"},
    }


def tracing(args: ObservabilityStackArgs) -> Manifest:
    """Jaeger of the stack; an existing collector has no query API that the stack knows."""
    if not installed(args.jaeger):
        return {"enabled": False}
    return {"enabled": True, "provider": "jaeger", "internal_url": query_url(args.namespace), "use_grpc": False}


def login(settings: KialiSettings) -> Manifest:
    """The login strategy; with `openid` users have their own permissions in Kubernetes."""
    found: Manifest = {"strategy": settings.login.strategy}
    if isinstance(settings.login, OpenIdLogin):
        found["openid"] = {
            "issuer_uri": settings.login.issuer,
            "client_id": settings.login.client_id,
            "disable_rbac": False,
            "scopes": ["openid", "email", "groups"],
        }
    return found
