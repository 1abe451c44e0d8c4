"""PromQL about istiod: whether it answers, whether proxies take what it sends and how soon, how long its root lasts.

Out: PromQL text; that of alerts is empty unless something is wrong. Source of the names: a real istiod
(tests/engines/test_istiod_metrics.py).
"""

from typing import Final

REFUSED: Final = "pilot_total_xds_rejects"
CONNECTED: Final = "pilot_xds"
REACHED: Final = "pilot_proxy_convergence_time"
"""Seconds from a change to the proxy that has all of it."""

ROOT_EXPIRY: Final = "citadel_server_root_cert_expiry_timestamp"
"""Unix seconds; of an istiod that signs itself."""

REVISION: Final = "revision"
"""Label of a scrape: Istio's `istio.io/rev` of the pod."""

MONITOR: Final = "istiod"
DEPLOYMENT: Final = "istiod(-.+)?"
"""Names of istiod's Deployment, with and without a revision. Source: Istio's chart."""

TARGETS: Final = f'up{{job=~".+/{MONITOR}"}}'
"""Source: Prometheus operator: the job of a PodMonitor is its namespace and name."""

EXPIRY_DAYS: Final = 30
"""Istio's own root lasts ten years; one from elsewhere has to be brought anew, with an overlap of both."""

DAY_SECONDS: Final = 24 * 3600


def unreachable() -> str:
    """Targets or wanted replicas of an istiod of which none answers or is available, per namespace and revision."""
    silent = f"count by (namespace, {REVISION}) ({TARGETS}) unless on (namespace, {REVISION}) ({TARGETS} == 1)"
    wanted = f'kube_deployment_spec_replicas{{deployment=~"{DEPLOYMENT}"}} > 0'
    available = f'kube_deployment_status_replicas_available{{deployment=~"{DEPLOYMENT}"}} > 0'
    empty = f"max by (namespace, deployment) ({wanted} unless on (namespace, deployment) {available})"
    return f'{silent} or label_replace({empty}, "{REVISION}", "$1", "deployment", "istiod-?(.*)")'


def configuration_refused() -> str:
    """Answers of proxies in ten minutes that they do not take a piece of configuration, per kind.

    istiod shows a kind with its first refusal, which is no increase of anything.
    """
    more, first = f"increase({REFUSED}[10m])", f"({REFUSED} unless {REFUSED} offset 10m)"
    return " or ".join(f"sum by (namespace, type) ({each}) > 0" for each in (more, first))


def root_expires() -> str:
    """Days that the mesh's root certificate is still valid, where they are few."""
    return f"(min by (namespace) ({ROOT_EXPIRY}) - time()) / {DAY_SECONDS} < {EXPIRY_DAYS}"


def connected() -> str:
    """Proxies that istiod serves, per revision."""
    return f"sum by ({REVISION}) ({CONNECTED})"


def refused(window: str) -> str:
    """Pieces of configuration per second that proxies did not take, per kind."""
    return f"sum by (type) (rate({REFUSED}[{window}]))"


def reach_seconds(quantile: float, window: str) -> str:
    """Seconds until a change is in the proxies, at `quantile` (0..1); absent while nothing changes."""
    return f"histogram_quantile({quantile}, sum by (le) (rate({REACHED}_bucket[{window}])))"
