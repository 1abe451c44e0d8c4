"""ObservabilityStack: registers what the pure modules return, in the order in which the parts need each other.

Namespaces -> cert-manager and the operator's CRDs -> kube-prometheus-stack -> dashboards and rules; Jaeger beside them.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import pulumi

from meshed_mcp.components.core import register
from meshed_mcp.components.core.charts import ReleaseSpec
from meshed_mcp.components.core.errors import ConfigurationError, Fault
from meshed_mcp.components.observability import manifests as parts
from meshed_mcp.components.observability import releases
from meshed_mcp.components.observability.args import CertManagerInstall, ObservabilityStackArgs
from meshed_mcp.components.observability.cert_manager import cert_manager_release
from meshed_mcp.components.observability.collectors import otlp_endpoint
from meshed_mcp.components.observability.grafana_values import GRAFANA_PORT, GRAFANA_SERVICE
from meshed_mcp.components.observability.kiali import kiali_release
from meshed_mcp.components.observability.prometheus_values import prometheus_url

CERT_MANAGER_PACKAGE: Final = "pulumi-kubernetes-cert-manager"
CERT_MANAGER_TYPE: Final = "kubernetes-cert-manager:index:CertManager"
"""Of the package's `CertManager`; its version is also that of the plugin which Pulumi then asks for."""


class ObservabilityStack(pulumi.ComponentResource):
    """Prometheus, Alertmanager, Grafana with the dashboard "MCP services", Jaeger and collectors; once per cluster.

    `args` are ObservabilityStackArgs or the same as a mapping. Prometheus sees the monitors and rules of all
    namespaces.
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
        super().__init__("meshed-mcp:index:ObservabilityStack", name, checked.model_dump(by_alias=True), opts)
        child = pulumi.ResourceOptions(parent=self)
        namespaces = register.objects(parts.namespaces(checked), child)
        inside = register.after(child, namespaces)
        settings = register.objects(parts.settings_objects(checked), inside)
        register.objects(parts.tracing_objects(checked), inside)
        needed = [*cert_manager(checked, inside), register.release(releases.operator_crds_release(checked), inside)]
        stack = register.release(
            releases.kube_prometheus_stack_release(checked), register.after(child, [*settings, *needed])
        )
        register.objects(
            [*parts.dashboards(checked), *parts.rules(checked), *parts.monitors(checked)],
            register.after(child, [stack]),
        )
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


def cert_manager(args: ObservabilityStackArgs, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """cert-manager, in the way that was chosen; nothing where the cluster has it."""
    spec = cert_manager_release(args.cert_manager, args.chart_mirror)
    match args.cert_manager.install:
        case CertManagerInstall.COMPONENT:
            return [cert_manager_component(spec, opts)]
        case CertManagerInstall.RELEASE:
            return [register.release(spec, opts)]
        case CertManagerInstall.EXISTING:
            return []


def cert_manager_component(spec: ReleaseSpec, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """The package's CertManager, told everything through `helmOptions`.

    Its own `installCrds` sets a value that the chart has deprecated, and without a version it installs the newest chart
    of the day; both are said here instead. Not its typed class, which imports all of pulumi-kubernetes.
    """
    try:
        package_version = version(CERT_MANAGER_PACKAGE)
    except PackageNotFoundError as error:
        message = (
            f"component needs the package {CERT_MANAGER_PACKAGE}; install meshed-mcp[cert-manager], "
            "or write install: release"
        )
        raise ConfigurationError([Fault("observability", "cert_manager.install", message)]) from error
    props = {"helmOptions": register.chart_fields(spec)}
    own = pulumi.ResourceOptions(version=package_version)
    return pulumi.ComponentResource(
        CERT_MANAGER_TYPE, spec.name, props, pulumi.ResourceOptions.merge(own, opts), remote=True
    )
