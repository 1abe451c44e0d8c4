"""What a stack may say about scaling: one frozen model, the only source of validation, defaults and documentation.

Seconds and percents are whole numbers with the unit in the field's name. Not here: the ScaledObject made of them
(`scaled_object.py`), KEDA itself (`keda_values.py`), registration (`component.py`).
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.core.names import namespace_name, object_name, service_name


class KedaInstall(StrEnum):
    """Who brings KEDA."""

    RELEASE = "release"
    """The official chart, pinned."""

    EXISTING = "existing"
    """The cluster has it: only one provider of external metrics may exist in a cluster."""


class KedaSettings(Model):
    """KEDA, once per cluster."""

    install: KedaInstall = KedaInstall.RELEASE
    """Who brings KEDA: this program as a pinned release, or the cluster, where it exists."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "keda"
    """Namespace of KEDA, made by the stack."""

    replicas: int = Field(default=2, ge=1, le=5)
    """Operators and metrics servers, each; one works, the others take over. A stopped operator lets every query
    time out after 60 s and so slows *all* HPAs of the cluster, other people's too (measured: 10 s became 180 s)."""


class ScaleUp(Model):
    """How fast replicas are added."""

    percent: int = Field(default=900, ge=1, le=10000)
    """Most that one period may add, % of the size at its start. 900 reaches tenfold in one step: 4 -> 16 replicas took
    16 s at worst, against 57 s with Kubernetes' own 100 % (measured, 16 and 13 steps)."""

    period_seconds: int = Field(default=15, ge=1, le=1800)
    """Source: Kubernetes, default of `behavior.scaleUp`, equal to the controller's sync period."""

    stabilization_seconds: int = Field(default=0, ge=0, le=3600)
    """Source: Kubernetes, default of `behavior.scaleUp`."""

    tolerance_percent: int = Field(default=5, ge=0, le=100)
    """Excess of load over the target that is let be, %. With Kubernetes' 10, 7 of 8 wanted replicas were final
    (measured). Takes effect from Kubernetes 1.35 on; older servers drop the field."""


class ScaleDown(Model):
    """How fast replicas are removed."""

    percent: int = Field(default=25, ge=1, le=100)
    """Most that one period may remove, % of the size at its start."""

    period_seconds: int = Field(default=60, ge=1, le=1800)
    """Length of one such period."""

    stabilization_seconds: int = Field(default=300, ge=60, le=3600)
    """How long load must have been low. Source: Kubernetes, default of `behavior.scaleDown`. Below 60 s the few seconds
    in which new replicas are not yet scraped remove one of them again (measured)."""


class ScalingSettings(Model):
    """How one service scales. Equal bounds fix the size; scale to zero is not offered here."""

    min_replicas: int = Field(default=2, ge=1, le=1000)
    """Fewest replicas; two survive the loss of one."""

    max_replicas: int = Field(default=10, ge=1, le=1000)
    """Most replicas, whatever the load; also the bound of what the service may cost."""

    in_flight_per_replica: int = Field(default=28, ge=1, le=100_000)
    """Calls in work or waiting that one replica should have. The default is 70 % of the 40 threads on which anyio runs
    plain functions; a service of coroutines usually bears more: measure it."""

    cpu_percent: int | None = Field(default=70, ge=1, le=1000)
    """CPU of the server's container that one replica should use, % of its request; null = CPU does not count."""

    fallback_replicas: int | None = Field(default=None, ge=1, le=1000)
    """Size while Prometheus does not answer, if the present one is smaller; it never shrinks. Unset: `min_replicas`."""

    scale_up: ScaleUp = ScaleUp()
    scale_down: ScaleDown = ScaleDown()

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(
                f"min_replicas {self.min_replicas} is more than max_replicas {self.max_replicas}, so no size fits. "
                f"Write max_replicas: {self.min_replicas} or more, "
                f"or min_replicas: {self.max_replicas} or less"
            )
        fallback = self.fallback_replicas
        if fallback is not None and not self.min_replicas <= fallback <= self.max_replicas:
            raise ValueError(
                f"fallback_replicas {fallback} is outside min_replicas {self.min_replicas} to max_replicas "
                f"{self.max_replicas}. Write a size between them, or leave it out for min_replicas"
            )
        return self


class ScalingTarget(ScalingSettings):
    """One Deployment to scale, under the service's name."""

    deployment: Annotated[str, AfterValidator(object_name)] | None = None
    """Name of the Deployment; the target's own name if unset."""

    container: str = contract.CONTAINER_NAME
    """Container whose CPU counts. The pod's sum would count the sidecar, which asks for no CPU of its own."""


class AutoscalingPolicyArgs(Model):
    """Arguments of `AutoscalingPolicy`."""

    targets: dict[Annotated[str, AfterValidator(service_name)], ScalingTarget]
    """Service name (label `mcp_server_name` of its metrics) -> how it scales; empty installs KEDA alone."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "mcp-system"
    """Namespace of the targets."""

    prometheus_url: In[str]
    """Where KEDA asks at every sync, e.g. the output `prometheus_url` of `ObservabilityStack`."""

    keda: KedaSettings = KedaSettings()
    chart_mirror: str | None = None
    """Repository (URL) or folder that holds the chart; where it is published if unset."""

    @model_validator(mode="after")
    def _url_has_a_scheme(self) -> Self:
        url = self.prometheus_url
        if isinstance(url, str) and not url.startswith(("http://", "https://")):
            raise ValueError(
                f"prometheus_url {url!r} is no URL. Write one such as 'http://prometheus.monitoring.svc:9090'"
            )
        return self

    @model_validator(mode="after")
    def _one_scaler_per_deployment(self) -> Self:
        deployments = [target.deployment or name for name, target in self.targets.items()]
        for deployment in sorted(set(deployments)):
            if deployments.count(deployment) > 1:
                raise ValueError(
                    f"{deployments.count(deployment)} targets scale the Deployment {deployment!r}, and autoscalers of "
                    "one Deployment undo each other. Leave one of them"
                )
        return self
