"""Helm releases of monitoring, in the order of installation."""

from typing import Final

from meshed_mcp.components.core.charts import ChartInstall, ReleaseSpec
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.charts import CERT_MANAGER, KUBE_PROMETHEUS_STACK, PROMETHEUS_OPERATOR_CRDS
from meshed_mcp.components.observability.existing import installed
from meshed_mcp.components.observability.kiali.release import kiali_release
from meshed_mcp.components.observability.prometheus.values import FULL_NAME, kube_prometheus_stack_values

KEEP_CRDS: Final = {"helm.sh/resource-policy": "keep"}
"""Removing a CRD would remove every monitor and rule of the cluster."""

STACK_TIMEOUT_SECONDS: Final = 900
"""The stack pulls six images and provisions three volumes before it is ready."""


def observability_releases(args: ObservabilityStackArgs) -> list[ReleaseSpec]:
    """All releases, in the order of installation."""
    last = [] if args.kiali is None else [kiali_release(args.kiali, args)]
    return [*prerequisite_releases(args), *stack_releases(args), *last]


def prerequisite_releases(args: ObservabilityStackArgs) -> list[ReleaseSpec]:
    """cert-manager and the CRDs of the Prometheus operator, which kube-prometheus-stack needs.

    The stack's chart has the CRDs in a folder that Helm installs once and never upgrades; its upgrade job is a hook
    with an unpinned image. The chart prometheus-operator-crds has them as templates, which are upgraded and previewed
    without a cluster. Helm sets no last-applied annotation, whose limit of 256 KiB these CRDs exceed.
    An existing Prometheus has its operator, and with it the CRDs and the certificate.
    """
    if not installed(args.prometheus):
        return []
    chart = PROMETHEUS_OPERATOR_CRDS.mirrored(args.chart_mirror)
    crds = ReleaseSpec(PROMETHEUS_OPERATOR_CRDS.name, args.namespace, chart, {"crds": {"annotations": KEEP_CRDS}})
    return [*cert_manager_releases(args), crds]


def installs_cert_manager(args: ObservabilityStackArgs) -> bool:
    """Whether the stack installs cert-manager: for the operator that it installs, unless the cluster has one."""
    return args.cert_manager.install is ChartInstall.COMPONENT and installed(args.prometheus)


def cert_manager_releases(args: ObservabilityStackArgs) -> list[ReleaseSpec]:
    """The release of cert-manager, unless the cluster has one; CRDs and certificates survive its removal."""
    if not installs_cert_manager(args):
        return []
    settings, chart = args.cert_manager, CERT_MANAGER.mirrored(args.chart_mirror)
    part = {"replicaCount": settings.replicas, "podDisruptionBudget": {"enabled": settings.replicas > 1}}
    values = {"crds": {"enabled": True, "keep": True}, **part, "webhook": part, "cainjector": part}
    return [ReleaseSpec("cert-manager", settings.namespace, chart, values)]


def stack_releases(args: ObservabilityStackArgs) -> list[ReleaseSpec]:
    """kube-prometheus-stack, unless the cluster has both Prometheus and Grafana."""
    wanted = installed(args.prometheus) or installed(args.grafana)
    return [kube_prometheus_stack_release(args)] if wanted else []


def kube_prometheus_stack_release(args: ObservabilityStackArgs) -> ReleaseSpec:
    """Prometheus, its operator, Alertmanager, Grafana, kube-state-metrics and the node exporter."""
    return ReleaseSpec(
        FULL_NAME,
        args.namespace,
        KUBE_PROMETHEUS_STACK.mirrored(args.chart_mirror),
        kube_prometheus_stack_values(args),
        skip_crds=True,
        timeout_seconds=STACK_TIMEOUT_SECONDS,
    )
