"""The rendered ScaledObjects of a stack, run here: the HPA's algorithm on a real Prometheus, replicas as processes.

Objects and a running stack in, replicas started and drained. What asks Prometheus counts; CPU, memory and schedules do
not run here and are named. As with the real controller, a trigger without an answer stops shrinking but not growth.
Not here: the algorithm (`components/autoscaling/hpa/algorithm.py`), Prometheus (observe/prometheus.py).
Source: Kubernetes, "Horizontal Pod Autoscaling"; KEDA, "ScaledObject specification".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from meshed_mcp.components.autoscaling.hpa.algorithm import SYNC_SECONDS, Autoscaler
from meshed_mcp.components.autoscaling.scaling_args import ScaleDown, ScaleUp, ScalingSettings
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.process.changes import replicas_of, scale
from meshed_mcp.local.process.stack_runner import Running

QUERIED: Final = "prometheus"
"""Type of the triggers that run here."""

Ask = Callable[[str], float | None]
"""A query in, its one number out; None where there is no answer."""


@dataclass(frozen=True)
class Trigger:
    """One query, how much of it a replica should have, and whether an empty answer is 0."""

    name: str
    query: str
    threshold: float
    empty_is_zero: bool


@dataclass(frozen=True)
class Scaled:
    """One ScaledObject as far as it runs here; `not_run` names its other triggers."""

    name: str
    deployment: str
    settings: ScalingSettings
    triggers: tuple[Trigger, ...]
    not_run: tuple[str, ...]


@dataclass(frozen=True)
class Decision:
    """A size that changed, when the sync began (seconds, monotonic) and when every new replica was ready."""

    deployment: str
    before: int
    after: int
    decided: float
    done: float


@dataclass
class Scaler:
    """Syncs every SYNC_SECONDS; call `step` from the thread that started the stack."""

    up: Running
    scaled: Sequence[Scaled]
    ask: Ask
    due: float = 0.0
    """When the next sync is, seconds of the monotonic clock."""

    _autoscalers: dict[str, Autoscaler] = field(default_factory=dict)

    def step(self) -> list[Decision]:
        """Sync if it is time; the sizes that changed."""
        now = monotonic()
        if now < self.due:
            return []
        self.due = max(self.due + SYNC_SECONDS, now)
        return [decision for each in self.scaled if (decision := self._sync(each, now)) is not None]

    def _sync(self, each: Scaled, now: float) -> Decision | None:
        size = len(replicas_of(self.up, each.deployment))
        if size == 0:  # the HPA is off at zero; leaving it is KEDA's own work
            return None
        autoscaler = self._autoscalers.setdefault(each.name, Autoscaler(each.settings))
        wanted = autoscaler.sync(int(now), size, metrics(each, size, self.ask))
        if wanted == size:
            return None
        scale(self.up, each.deployment, wanted)
        return Decision(each.deployment, size, wanted, now, monotonic())


def metrics(each: Scaled, size: int, ask: Ask) -> list[tuple[float, float]]:
    """(total, target per replica) of every trigger; one without an answer counts as the present size."""
    found: list[tuple[float, float]] = []
    for trigger in each.triggers:
        total = ask(trigger.query)
        if total is None and not trigger.empty_is_zero:
            found.append((float(size), 1.0))
        else:
            found.append((total or 0.0, trigger.threshold))
    return found


def read_scaled(objects: Sequence[Manifest]) -> list[Scaled]:
    """Every ScaledObject with at least one query."""
    found = [of_manifest(item) for item in objects if item["kind"] == "ScaledObject"]
    return [each for each in found if each.triggers]


def of_manifest(item: Manifest) -> Scaled:
    """A rendered ScaledObject, typed."""
    spec = item["spec"]
    queried = [each for each in spec["triggers"] if each["type"] == QUERIED]
    triggers = [
        Trigger(
            each["name"],
            each["metadata"]["query"],
            float(each["metadata"]["threshold"]),
            each["metadata"].get("ignoreNullValues", "true") == "true",
        )
        for each in queried
    ]
    rest = tuple(each["name"] for each in spec["triggers"] if each not in queried)
    return Scaled(item["metadata"]["name"], spec["scaleTargetRef"]["name"], settings(spec), tuple(triggers), rest)


def settings(spec: dict[str, Any]) -> ScalingSettings:
    """Bounds and speeds of a ScaledObject."""
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    (grows,) = up["policies"]
    shrinks = {policy["type"]: policy for policy in down["policies"]}
    least = spec["minReplicaCount"]
    return ScalingSettings(
        # At zero no replica reports, and the settings know it: only a queue outside may count there.
        min_replicas=max(1, least),
        max_replicas=spec["maxReplicaCount"],
        scale_up=ScaleUp(
            percent=grows["value"],
            period_seconds=grows["periodSeconds"],
            stabilization_seconds=up["stabilizationWindowSeconds"],
            tolerance_percent=round(float(up["tolerance"]) * 100),
        ),
        scale_down=ScaleDown(
            percent=shrinks["Percent"]["value"] if "Percent" in shrinks else None,
            pods=shrinks["Pods"]["value"] if "Pods" in shrinks else None,
            period_seconds=down["policies"][0]["periodSeconds"],
            stabilization_seconds=down["stabilizationWindowSeconds"],
            **({"tolerance_percent": round(float(down["tolerance"]) * 100)} if "tolerance" in down else {}),
        ),
    )


def one_number(result: Callable[[str, dict[str, Any]], list[dict[str, Any]]]) -> Ask:
    """Asks Prometheus as KEDA does: one element, or none; what fails or is no number is no answer."""

    def ask(query: str) -> float | None:
        try:
            found = result("query", {"query": query})
        except ConfigurationError:
            return None
        values = [float(each["value"][1]) for each in found]
        return values[0] if len(values) == 1 and abs(values[0]) < float("inf") else None

    return ask
