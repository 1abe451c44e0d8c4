"""The component ObservabilityStack: registers objects and Helm releases in the order of their dependencies.

Namespaces -> cert-manager and the operator's CRDs -> kube-prometheus-stack -> dashboards and rules; Jaeger in parallel.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from meshed_mcp.components.core import register
from meshed_mcp.components.observability import manifests, releases
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.config_maps import dashboard_config_maps
from meshed_mcp.components.observability.grafana.values import grafana_url
from meshed_mcp.components.observability.kiali.release import kiali_release
from meshed_mcp.components.observability.prometheus.values import prometheus_url
from meshed_mcp.components.observability.tracing.collectors import otlp_endpoint


class ObservabilityStack(register.Component):
    """Prometheus, Alertmanager, Grafana with dashboards, Jaeger and collectors; once per cluster.

    `args` are ObservabilityStackArgs or a mapping of them. Prometheus selects the monitors and rules of all
    namespaces. With `grafana.expose`, create it after the mesh, whose Gateway the route needs.
    """

    prometheus_url: pulumi.Output[str]
    """Address of Prometheus inside the cluster; the autoscaler's `prometheus_url`."""

    otlp_endpoint: pulumi.Output[str]
    """Endpoint for spans inside the cluster, OTLP over gRPC."""

    grafana_url: pulumi.Output[str | None]
    """Address of Grafana inside the cluster; of an existing one: its `url`."""

    def __init__(
        self,
        name: str,
        args: ObservabilityStackArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
        transform: register.Transforms | None = None,
    ) -> None:
        checked = ObservabilityStackArgs.model_validate(args)
        super().__init__("meshed-mcp:index:ObservabilityStack", name, register.inputs(checked), opts)
        self.finish_with(checked.defaults, transform)
        child = pulumi.ResourceOptions(parent=self)
        namespaces = register.objects(manifests.namespaces(checked), child)
        inside = register.after(child, namespaces)
        prerequisites = register.objects(manifests.chart_prerequisites(checked), inside)
        register.objects(manifests.tracing_objects(checked), inside)
        installed = [register.release(spec, inside) for spec in releases.prerequisite_releases(checked)]
        before = register.after(child, [*prerequisites, *installed] or namespaces)
        stack = [register.release(spec, before) for spec in releases.stack_releases(checked)]
        after_stack = register.after(child, stack or namespaces)
        objects = [dashboard_config_maps, manifests.prometheus_rules, manifests.pod_monitors]
        register.objects([item for render in objects for item in render(checked)], after_stack)
        register.objects(manifests.grafana_routes(checked), inside)
        if checked.kiali is not None:
            register.release(kiali_release(checked.kiali, checked), after_stack)
        self.set_outputs(checked)

    def set_outputs(self, args: ObservabilityStackArgs) -> None:
        """Set the outputs; last, because Pulumi then considers the component complete."""
        self.prometheus_url = pulumi.Output.from_input(prometheus_url(args))
        self.otlp_endpoint = pulumi.Output.from_input(otlp_endpoint(args))
        self.grafana_url = pulumi.Output.from_input(grafana_url(args))
        names = ("prometheus_url", "otlp_endpoint", "grafana_url")
        self.register_outputs({name: getattr(self, name) for name in names})
