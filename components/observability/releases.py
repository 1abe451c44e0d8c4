"""The Helm releases of monitoring, in the order in which they go in. Arguments in, release records out."""

from typing import Final

from meshed_mcp.components.core.charts import ReleaseSpec
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.cert_manager import cert_manager_releases
from meshed_mcp.components.observability.charts import KUBE_PROMETHEUS_STACK, PROMETHEUS_OPERATOR_CRDS
from meshed_mcp.components.observability.kiali.release import kiali_release
from meshed_mcp.components.observability.prometheus.values import FULL_NAME, kube_prometheus_stack_values

KEPT: Final = {"helm.sh/resource-policy": "keep"}
"""With a CRD would go every monitor and rule of the cluster, those of other people too."""

STACK_TIMEOUT_SECONDS: Final = 900
"""The stack pulls six images and provisions three volumes before it is ready."""


def releases(args: ObservabilityStackArgs) -> list[ReleaseSpec]:
    """Every release, in the order of installation."""
    first = cert_manager_releases(args.cert_manager, args.chart_mirror)
    last = [] if args.kiali is None else [kiali_release(args.kiali, args)]
    return [*first, *prometheus_releases(args), *last]


def prometheus_releases(args: ObservabilityStackArgs) -> list[ReleaseSpec]:
    """The operator's CRDs, then the stack."""
    return [operator_crds_release(args), kube_prometheus_stack_release(args)]


def operator_crds_release(args: ObservabilityStackArgs) -> ReleaseSpec:
    """The CRDs of the Prometheus operator, as a release of their own.

    The stack's chart carries them in a folder that Helm installs once and never upgrades, so a later operator meets old
    CRDs; its job for upgrades is a hook with an unpinned image. The official chart of CRDs alone holds them as
    templates: they are upgraded and, unlike a manifest on the web, previewed without a cluster. Helm sets no
    last-applied annotation, for whose limit of 256 KiB these CRDs are too large.
    """
    chart = PROMETHEUS_OPERATOR_CRDS.mirrored(args.chart_mirror)
    return ReleaseSpec(PROMETHEUS_OPERATOR_CRDS.name, args.namespace, chart, {"crds": {"annotations": KEPT}})


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
