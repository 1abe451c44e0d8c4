"""ObservabilityStack: registers what the pure modules return, in the order in which the parts need each other.

Namespaces -> cert-manager and the operator's CRDs -> kube-prometheus-stack -> dashboards and rules; Jaeger beside them.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from meshed_mcp.components.core import register
from meshed_mcp.components.core.scraping import GRAFANA_PORT, GRAFANA_SERVICE
from meshed_mcp.components.observability import manifests as parts
from meshed_mcp.components.observability import releases
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.cert_manager import cert_manager_releases
from meshed_mcp.components.observability.kiali.release import kiali_release
from meshed_mcp.components.observability.prometheus.values import prometheus_url
from meshed_mcp.components.observability.tracing.collectors import otlp_endpoint


class ObservabilityStack(pulumi.ComponentResource):
    """Prometheus, Alertmanager, Grafana with the dashboard "MCP services", Jaeger and collectors; once per cluster.

    `args` are ObservabilityStackArgs or the same as a mapping. Prometheus sees the monitors and rules of all
    namespaces. With `grafana.expose`, make it after the mesh, whose Gateway the route needs.
    """

    prometheus_url: pulumi.Output[str]
    """Address of Prometheus inside the cluster; the autoscaler's `prometheus_url`."""

    otlp_endpoint: pulumi.Output[str]
    """Where spans go, OTLP over gRPC, inside the cluster."""

    grafana_url: pulumi.Output[str]
    """Address of Grafana inside the cluster; no way leads to it from outside."""

    def __init__(
        self,
        name: str,
        args: ObservabilityStackArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        checked = ObservabilityStackArgs.model_validate(args)
        super().__init__("meshed-mcp:index:ObservabilityStack", name, register.inputs(checked), opts)
        child = pulumi.ResourceOptions(parent=self)
        namespaces = register.objects(parts.namespaces(checked), child)
        inside = register.after(child, namespaces)
        settings = register.objects(parts.settings_objects(checked), inside)
        register.objects(parts.tracing_objects(checked), inside)
        first = [
            *cert_manager_releases(checked.cert_manager, checked.chart_mirror),
            releases.operator_crds_release(checked),
        ]
        needed = [register.release(spec, inside) for spec in first]
        stack = register.release(
            releases.kube_prometheus_stack_release(checked), register.after(child, [*settings, *needed])
        )
        register.objects(
            [*parts.dashboards(checked), *parts.rules(checked), *parts.monitors(checked)],
            register.after(child, [stack]),
        )
        register.objects(parts.routes(checked), inside)
        if checked.kiali is not None:
            register.release(kiali_release(checked.kiali, checked), register.after(child, [stack]))
        self.set_outputs(checked)

    def set_outputs(self, args: ObservabilityStackArgs) -> None:
        """Publish the addresses; last, because Pulumi then takes the component for complete."""
        namespace = args.namespace
        self.prometheus_url = pulumi.Output.from_input(prometheus_url(namespace))
        self.otlp_endpoint = pulumi.Output.from_input(otlp_endpoint(args))
        self.grafana_url = pulumi.Output.from_input(f"http://{GRAFANA_SERVICE}.{namespace}.svc:{GRAFANA_PORT}")
        self.register_outputs(
            {
                "prometheus_url": self.prometheus_url,
                "otlp_endpoint": self.otlp_endpoint,
                "grafana_url": self.grafana_url,
            }
        )
