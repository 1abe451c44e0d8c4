"""Autoscaler of a local run: the HPA algorithm on the Prometheus queries of the rendered ScaledObjects.

Triggers on CPU, memory and schedules do not run. As in the real controller, a trigger without a value prevents scale-in
but not scale-out. Source: Kubernetes, "Horizontal Pod Autoscaling"; KEDA, "ScaledObject specification".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, NamedTuple

from meshed_mcp.components.autoscaling.hpa.algorithm import SYNC_SECONDS, Autoscaler
from meshed_mcp.components.autoscaling.scaling_args import ScaleDown, ScaleUp, ScalingSettings
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.process.changes import replicas_of, scale
from meshed_mcp.local.process.stack_runner import Running

QUERY_TRIGGER: Final = "prometheus"
"""Type of the triggers that run."""

Query = Callable[[str], float | None]
"""Evaluates a query to one number; None without one."""


@dataclass(frozen=True)
class Trigger:
    """One query, its target value per replica, and whether an empty result is 0."""

    name: str
    query: str
    threshold: float
    empty_is_zero: bool


@dataclass(frozen=True)
class ScaledDeployment:
    """One ScaledObject; `not_run` names the triggers that do not run."""

    name: str
    deployment: str
    settings: ScalingSettings
    triggers: tuple[Trigger, ...]
    not_run: tuple[str, ...]


class ScalingDecision(NamedTuple):
    """A changed replica count; monotonic seconds of the start of the sync and of the readiness of every replica."""

    deployment: str
    before: int
    after: int
    decided: float
    done: float


@dataclass
class Scaler:
    """Autoscaler loop with a period of SYNC_SECONDS; call `step` from the thread that started the stack."""

    up: Running
    scaled: Sequence[ScaledDeployment]
    query: Query
    due: float = 0.0
    """Time of the next sync, monotonic seconds."""

    _autoscalers: dict[str, Autoscaler] = field(default_factory=dict)

    def step(self) -> list[ScalingDecision]:
        """Sync if it is due. Returns the changed replica counts."""
        now = monotonic()
        if now < self.due:
            return []
        self.due = max(self.due + SYNC_SECONDS, now)
        return [decision for each in self.scaled if (decision := self._sync(each, now)) is not None]

    def _sync(self, each: ScaledDeployment, now: float) -> ScalingDecision | None:
        size = len(replicas_of(self.up, each.deployment))
        if size == 0:  # the HPA is off at zero replicas
            return None
        autoscaler = self._autoscalers.setdefault(each.name, Autoscaler(each.settings))
        wanted = autoscaler.sync(int(now), size, metrics(each, size, self.query))
        if wanted == size:
            return None
        scale(self.up, each.deployment, wanted)
        return ScalingDecision(each.deployment, size, wanted, now, monotonic())


def metrics(each: ScaledDeployment, size: int, query: Query) -> list[tuple[float, float]]:
    """(total, target per replica) of every trigger; one without a value counts as the current size."""
    totals = [(query(trigger.query), trigger) for trigger in each.triggers]
    return [
        (float(size), 1.0) if total is None and not trigger.empty_is_zero else (total or 0.0, trigger.threshold)
        for total, trigger in totals
    ]


def scaled_deployments(objects: Sequence[Manifest]) -> list[ScaledDeployment]:
    """Every ScaledObject with at least one query."""
    found = [_scaled_deployment(item) for item in objects if item["kind"] == "ScaledObject"]
    return [each for each in found if each.triggers]


def _scaled_deployment(item: Manifest) -> ScaledDeployment:
    name, spec = item["metadata"]["name"], item["spec"]
    queried = {each["name"]: each["metadata"] for each in spec["triggers"] if each["type"] == QUERY_TRIGGER}
    triggers = tuple(
        Trigger(each, meta["query"], float(meta["threshold"]), meta.get("ignoreNullValues", "true") == "true")
        for each, meta in queried.items()
    )
    rest = tuple(each["name"] for each in spec["triggers"] if each["name"] not in queried)
    return ScaledDeployment(name, spec["scaleTargetRef"]["name"], _settings(spec), triggers, rest)


def _settings(spec: dict[str, Any]) -> ScalingSettings:
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    (grows,) = up["policies"]
    shrinks = {policy["type"]: policy["value"] for policy in down["policies"]}
    return ScalingSettings(
        min_replicas=max(1, spec["minReplicaCount"]),  # at zero no replica reports
        max_replicas=spec["maxReplicaCount"],
        scale_up=ScaleUp(
            percent=grows["value"],
            period_seconds=grows["periodSeconds"],
            stabilization_seconds=up["stabilizationWindowSeconds"],
            tolerance_percent=round(float(up["tolerance"]) * 100),
        ),
        scale_down=ScaleDown(
            percent=shrinks.get("Percent"),
            pods=shrinks.get("Pods"),
            period_seconds=down["policies"][0]["periodSeconds"],
            stabilization_seconds=down["stabilizationWindowSeconds"],
            **({"tolerance_percent": round(float(down["tolerance"]) * 100)} if "tolerance" in down else {}),
        ),
    )


def instant_query(result: Callable[[str, dict[str, Any]], list[dict[str, Any]]]) -> Query:
    """Queries Prometheus as KEDA does: one finite element, else None."""

    def value(query: str) -> float | None:
        try:
            found = result("query", {"query": query})
        except ConfigurationError:
            return None
        values = [float(each["value"][1]) for each in found]
        return values[0] if len(values) == 1 and abs(values[0]) < float("inf") else None

    return value
