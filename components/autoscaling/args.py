"""Arguments of `AutoscalingPolicy`: KEDA, and how each Deployment scales."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp import contract
from meshed_mcp.components.alerts.settings import AlertOverrides
from meshed_mcp.components.autoscaling.forecast.args import ForecastSettings, Prediction
from meshed_mcp.components.autoscaling.nodes.args import NodeSettings
from meshed_mcp.components.autoscaling.profiles import Profile
from meshed_mcp.components.autoscaling.scaling_args import Queue, ScaleDown, ScaleUp, ScalingSettings, Schedule
from meshed_mcp.components.autoscaling.vpa.args import RightSizing, Sizing, VpaSettings
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.core.charts import OptionalInstall
from meshed_mcp.components.core.names import namespace_name, object_name, service_name
from meshed_mcp.components.core.object_metadata import ObjectDefaults, SelectorLabels
from meshed_mcp.components.core.platform import ClusterPlatform
from meshed_mcp.components.core.quantity import Memory
from meshed_mcp.components.pod.args import PodSettings
from meshed_mcp.error_codes import autoscaling as codes
from meshed_mcp.error_codes.code import Message, raise_all
from meshed_mcp.error_codes.values import INVALID_WEB_ADDRESS

__all__ = [
    "AutoscalingPolicyArgs",
    "DeletionCostSettings",
    "FastScalerSettings",
    "ForecastSettings",
    "KedaSettings",
    "Prediction",
    "Profile",
    "Queue",
    "RightSizing",
    "ScaleDown",
    "ScaleUp",
    "ScalingSettings",
    "ScalingTarget",
    "Schedule",
    "VpaSettings",
]


class FastScalerSettings(PodSettings):
    """Agent that raises the minimum of services as soon as their load needs it."""

    containers: ClassVar[tuple[str, ...]] = ("fast-scaler",)

    image: In[str]
    """Image with this package's runtime."""

    hold_seconds: int = Field(default=300, ge=30, le=3600)
    """Seconds that a raised minimum is held. Source: the HPA's default stabilization of scale-in."""

    replicas: int = Field(default=2, ge=1, le=3)
    """Pods of the agent. They write the same values, so one may be lost with its node."""


class DeletionCostSettings(PodSettings):
    """Agent that annotates each replica of session-counting services with its pod deletion cost."""

    containers: ClassVar[tuple[str, ...]] = ("deletion-cost",)

    image: In[str]
    """Image with this package's runtime."""

    steps: int = Field(default=20, ge=2, le=1000)
    """Steps between an empty replica and one with `sessions_per_replica`. The annotation changes when a replica passes
    a step, at most once a minute, because Kubernetes advises against frequent updates."""


class KedaSettings(Model):
    """KEDA, once per cluster."""

    install: OptionalInstall = OptionalInstall.COMPONENT
    """`component` (the stack installs a pinned chart), `existing` (the cluster has it) or `none` (HPAs on CPU and
    memory alone)."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "keda"
    """Namespace of KEDA; `component` creates it."""

    replicas: int = Field(default=2, ge=1, le=5)
    """Replicas of the operator and of the metrics server, each: one active, the others on standby. Without an operator
    every query times out after 60 s, which slows *all* HPAs of the cluster (measured: 10 s became 180 s)."""

    fast_scaler: FastScalerSettings | None = None
    """Raises the minimum of services that scale on in-flight requests within half a second of the scrape that shows the
    load. Needs the Prometheus operator. Unset: the HPA alone decides, every 15 s."""

    @model_validator(mode="after")
    def _fast_scaler_has_keda(self) -> Self:
        if self.fast_scaler is not None and self.install is OptionalInstall.NONE:
            raise codes.FAST_SCALER_WITHOUT_KEDA.error()
        return self


class ScalingTarget(ScalingSettings):
    """One Deployment to scale, under the service's name."""

    deployment: Annotated[str, AfterValidator(object_name)] | None = None
    """Name of the Deployment. Unset: the target's name."""

    service: Annotated[str, AfterValidator(service_name)] | None = None
    """Service whose load counts (label `mcp_server_name`). Unset: the target's name."""

    version: str | None = None
    """Version whose load counts (label `version`). Unset: all versions."""

    has_runtime: bool = True
    """Whether the pods run this package's runtime. false: the in-flight requests are those that the sidecars count."""

    container: str = contract.CONTAINER_NAME
    """Container whose CPU and memory count. The pod's sum would count the sidecar, which does not grow with load."""

    memory_limit: Memory = "512Mi"
    """Memory limit of that container: base of `memory_percent`, and bound of right-sizing. The default repeats
    MeshedMCPService's."""

    cpu_limit: str | None = None
    """CPU limit of that container, and bound of right-sizing."""

    replica_month_cost: float | None = Field(default=None, ge=0)
    """Monthly cost of one replica, proxy included, in the currency of `monthly_budget`. Unset: no alert on the cost."""


def native_hpa_issues(settings: ScalingSettings) -> Iterator[tuple[str, Message]]:
    """(field, message) of every setting that needs KEDA."""
    needs = {
        "min_replicas": settings.min_replicas == 0,
        "sessions_per_replica": settings.sessions_per_replica is not None,
        "queue": settings.queue is not None,
        "schedules": bool(settings.schedules),
        "prediction": settings.prediction is Prediction.ON,
    }
    for field in (field for field, used in needs.items() if used):
        yield field, codes.NEEDS_KEDA.message()
    if settings.cpu_percent is None and settings.memory_percent is None:
        yield "cpu_percent", codes.NO_MEASURE_WITHOUT_KEDA.message()


def wants_vpa(settings: ScalingSettings) -> bool:
    """Whether `settings` request right-sizing explicitly; a profile's default is ignored without a VPA."""
    return settings.right_sizing.mode in {Sizing.INITIAL, Sizing.IN_PLACE}


class AutoscalingPolicyArgs(Model):
    """Arguments of `AutoscalingPolicy`."""

    targets: dict[Annotated[str, AfterValidator(service_name)], ScalingTarget]
    """Name of the autoscaler -> target. The name is that of the service (label `mcp_server_name`), unless the target
    sets `service`. Targets with equal bounds get no autoscaler, but right-sizing. Empty: KEDA alone."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "mcp-system"
    """Namespace of the targets."""

    prometheus_url: In[str]
    """URL of the Prometheus that KEDA queries, e.g. the output `prometheus_url` of `ObservabilityStack`."""

    forecast: ForecastSettings | None = None
    """Forecast of the targets' load and alerts on autoscaling, as a PrometheusRule; needs the Prometheus operator.
    Unset: neither."""

    alerts: AlertOverrides = Field(default={})
    """Name of an alert -> overrides; names, thresholds and units are in docs/reference/alerts.md."""

    monitor_labels: SelectorLabels = Field(default_factory=dict)
    """Labels of every PodMonitor, by which an existing Prometheus selects them."""

    rule_labels: SelectorLabels | None = None
    """Labels of every PrometheusRule; unset = as `monitor_labels`."""

    runbooks_url: str = "docs/runbooks"
    """Base of the alerts' runbook links, without a trailing slash."""

    dashboards_url: str | None = None
    """Address of Grafana, for the alerts' dashboard links. Unset: no dashboard links."""

    keda: KedaSettings = KedaSettings()
    deletion_cost: DeletionCostSettings | None = None
    """Pod deletion costs, so that scale-in removes the replica with the fewest sessions; needs the Prometheus operator.
    Unset: Kubernetes removes the youngest first."""

    vpa: VpaSettings = VpaSettings()
    nodes: NodeSettings | None = None
    """Spare capacity and node autoscaling. Unset: the program of the cluster manages nodes."""

    images: list[In[str]] = Field(default_factory=list)
    """Images for `nodes.pre_pull`."""

    largest_cpu: str = "200m"
    """CPU requests of the largest replica, proxy included: the size of a replica in `nodes.buffer`."""

    largest_memory: str = "256Mi"
    """Its memory requests."""

    defaults: ObjectDefaults = ObjectDefaults()
    """Labels, annotations and pull secrets of every object and pod."""

    chart_mirror: str | None = None
    """Repository (URL) or folder with the charts. Unset: their publishers' repositories."""

    cluster_platform: ClusterPlatform | None = None
    """Kubernetes distribution or managed service; a stack derives it from `platform`."""

    @model_validator(mode="after")
    def _url_has_a_scheme(self) -> Self:
        url = self.prometheus_url
        if isinstance(url, str) and not url.startswith(("http://", "https://")):
            raise INVALID_WEB_ADDRESS.error(text=url, example="http://prometheus.monitoring.svc:9090")
        return self

    @model_validator(mode="after")
    def _one_scaler_per_deployment(self) -> Self:
        deployments = [target.deployment or name for name, target in self.targets.items()]
        for deployment in sorted(set(deployments)):
            if deployments.count(deployment) > 1:
                raise codes.TWO_TARGETS_FOR_DEPLOYMENT.error(count=deployments.count(deployment), deployment=deployment)
        return self

    @model_validator(mode="after")
    def _resizes_with_a_vpa(self) -> Self:
        if self.vpa.install is OptionalInstall.NONE:
            names = [name for name, item in self.targets.items() if wants_vpa(item)]
            raise_all(codes.NEEDS_VPA_INSTALL.message().at(f"targets.{name}") for name in names)
        return self

    @model_validator(mode="after")
    def _needs_nothing_that_is_left_out(self) -> Self:
        if self.keda.install is OptionalInstall.NONE:
            found = {name: list(native_hpa_issues(target)) for name, target in self.targets.items() if target.scales}
            raise_all(why.at(f"targets.{name}.{field}") for name, issues in found.items() for field, why in issues)
        return self
