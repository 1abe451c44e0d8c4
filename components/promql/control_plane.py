"""PromQL of istiod: availability, rejected configuration, convergence time, root certificate.

Source of the names: a real istiod (tests/engines/test_istiod_metrics.py).
"""

from typing import Final

from meshed_mcp.components.promql.selectors import PromQL

REJECTED: Final = "pilot_total_xds_rejects"
CONNECTED_PROXIES: Final = "pilot_xds"
CONVERGENCE: Final = "pilot_proxy_convergence_time"
"""Histogram: seconds from a configuration change until a proxy has received it."""

ROOT_EXPIRY: Final = "citadel_server_root_cert_expiry_timestamp"
"""Unix seconds; istiod exposes it if it is the certificate authority."""

REVISION: Final = "revision"
"""Target label: the pod's `istio.io/rev`."""

PROXIES_BY_REVISION: Final = f"sum by ({REVISION}) ({CONNECTED_PROXIES})"
MONITOR: Final = "istiod"
DEPLOYMENT: Final = "istiod(-.+)?"
"""Names of istiod's Deployment, with and without a revision. Source: Istio's chart."""

TARGETS: Final = f'up{{job=~".+/{MONITOR}"}}'
"""Source: Prometheus operator: the job of a PodMonitor is its namespace and name."""

DAY_SECONDS: Final = 24 * 3600


def control_plane_down() -> PromQL:
    """Targets or desired replicas of an istiod that has no target up or no available replica, per revision."""
    down = f"count by (namespace, {REVISION}) ({TARGETS}) unless on (namespace, {REVISION}) ({TARGETS} == 1)"
    desired = f'kube_deployment_spec_replicas{{deployment=~"{DEPLOYMENT}"}} > 0'
    available = f'kube_deployment_status_replicas_available{{deployment=~"{DEPLOYMENT}"}} > 0'
    unavailable = f"max by (namespace, deployment) ({desired} unless on (namespace, deployment) {available})"
    return PromQL(f'{down} or label_replace({unavailable}, "{REVISION}", "$1", "deployment", "istiod-?(.*)")')


def config_rejected() -> PromQL:
    """Configuration updates that proxies rejected (NACK) in ten minutes, per type.

    istiod creates the series of a type with its first rejection, so `increase` alone would miss that one.
    """
    more, first = f"increase({REJECTED}[10m])", f"({REJECTED} unless {REJECTED} offset 10m)"
    return PromQL(" or ".join(f"sum by (namespace, type) ({each}) > 0" for each in (more, first)))


def root_certificate_days(threshold: float) -> PromQL:
    """Days until the mesh's root certificate expires."""
    return PromQL(f"(min by (namespace) ({ROOT_EXPIRY}) - time()) / {DAY_SECONDS} < {threshold:g}")


def rejected(window: str) -> str:
    """Configuration updates per second that proxies rejected, per type."""
    return f"sum by (type) (rate({REJECTED}[{window}]))"


def convergence_seconds(quantile: float, window: str) -> str:
    """Convergence time, seconds, at `quantile` (0..1); absent while nothing changes."""
    return f"histogram_quantile({quantile}, sum by (le) (rate({CONVERGENCE}_bucket[{window}])))"
