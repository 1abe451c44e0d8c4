"""Scale-out latency: seconds from a step in load to a new replica that serves, stage by stage.

Takes the settings of one service; returns stages with their seconds, and quantiles of their sum. Printing is in
`meshed_mcp/cli/scaling.py`. Stages are independent of each other, so no run reaches the sum of their worst cases, and
promises are quantiles. Against the real HPA controller and KEDA (23 steps of 4 to 8 replicas, 5 s scrape, held query)
decisions took 12.0 s at the median and 19.2 s at worst.
"""

from math import ceil
from typing import Final, NamedTuple

from meshed_mcp.components.autoscaling.args import ScalingTarget
from meshed_mcp.components.autoscaling.keda.scaled_object import ZERO_POLLING_SECONDS
from meshed_mcp.components.autoscaling.nodes.args import BufferKind
from meshed_mcp.components.core.charts import OptionalInstall
from meshed_mcp.error_codes.cli import INVALID_SHARE

GOAL_SECONDS: Final = 30
"""Product goal: load step to a serving replica, at p99, on an existing node."""

HPA_SYNC_SECONDS: Final = 15
"""Period of the HPA controller. Source: kube-controller-manager, `--horizontal-pod-autoscaler-sync-period`, default."""

GRID_SECONDS: Final = 0.25
"""Resolution of the sum's distribution."""


class Stage(NamedTuple):
    """One stage: least, typical (median) and worst seconds, and their source."""

    name: str
    least_seconds: float
    typical_seconds: float
    worst_seconds: float
    source: str


POD_START: Final = (
    Stage("schedule, start containers", 1, 2, 5, "Kubernetes pod start-up SLO, image present"),
    Stage("sidecar ready", 1, 2, 3, "native sidecar, startup probe every 1 s; total assumed"),
)
ENDPOINTS: Final = Stage("endpoints reach the proxies", 0.1, 0.3, 1, "istiod: debounce 0.1 s, quiet mesh")
APPLICATION_SECONDS: Final = (1, 2.5, 4)
"""Start of a Python server until its first readiness probe: least, typical, worst. Assumed."""

FAST_SCALER: Final = Stage(
    "fast scaler queries, KEDA scales", 0.1, 0.35, 0.7, "every 0.5 s; KEDA writes within 0.11 s of a patch (measured)"
)
"""Replaces the HPA's sync and its growth periods: a raised minimum is not subject to scaling policies."""

RULE: Final = Stage("rule of the fast scaler", 0, 2.5, 5, "every 5 s; too many distinct services to query live")
"""Precedes `FAST_SCALER` for a service that the fast scaler does not query live."""

PULL: Final = Stage("if the image is absent: pull", 10, 20, 60, "assumed; set nodes.pre_pull: true")
NEW_NODE: Final = Stage("if no node has room: a new one", 60, 120, 210, "Cluster Autoscaler FAQ; set nodes.buffer")


class ScaleOut(NamedTuple):
    """Everything that determines the scale-out latency of one service."""

    target: ScalingTarget
    keda: OptionalInstall
    scrape_seconds: int
    """Scrape interval of the service's pods."""

    exporter_scrape_seconds: int
    """Scrape interval of other targets, such as the exporter of a queue."""

    readiness_seconds: int
    """Period of the readiness probe."""

    fast_scaler: bool = False
    live: bool = True
    """Whether the fast scaler queries this service's load itself instead of the recorded rule."""

    pre_pull: bool = False
    buffer: BufferKind = BufferKind.NONE
    factor: float = 4
    """Load after the step, as a multiple of the load before."""


def decision_stages(scale_out: ScaleOut) -> list[Stage]:
    """From the step to the new size in the Deployment."""
    target = scale_out.target
    stages = [measurement(scale_out)]
    if is_raised_by_fast_scaler(scale_out):
        return [*stages, *([] if scale_out.live else [RULE]), FAST_SCALER]
    if target.min_replicas == 0:
        return [*stages, Stage("KEDA polls, from 0", 0, ZERO_POLLING_SECONDS / 2, ZERO_POLLING_SECONDS, "this stack")]
    if scale_out.keda is not OptionalInstall.NONE and not by_resources(scale_out):
        stages.append(Stage("KEDA queries Prometheus", 0.1, 0.3, 3, "live query; KEDA's timeout is 3 s"))
    stages.append(Stage("HPA sync", 0, HPA_SYNC_SECONDS / 2, HPA_SYNC_SECONDS, "Kubernetes, default period"))
    if wait := float(target.scale_up.stabilization_seconds):
        stages.append(Stage("scale_up.stabilization_seconds", wait, wait, wait, "this stack"))
    if wait := growth_seconds(target, scale_out.factor):
        periods = f"{target.scale_up.percent} % per {target.scale_up.period_seconds} s"
        stages.append(Stage("further periods of growth", wait, wait, wait, f"this stack: {periods}"))
    return stages


def ready_stages(scale_out: ScaleOut) -> list[Stage]:
    """From the new size to the first call at a new replica, on an existing node that has the image."""
    if known := scale_out.target.pod_ready_seconds:
        return [Stage("replica ready", known, known, known, "this stack: scaling.pod_ready_seconds")]
    least, typical, worst = APPLICATION_SECONDS
    period = scale_out.readiness_seconds
    own = Stage("server starts, first probe", least, typical + period / 2, worst + period, f"assumed; probe {period} s")
    return [*POD_START, own, ENDPOINTS]


def exceptions(scale_out: ScaleOut) -> list[Stage]:
    """Additional stages where the stack does not avoid them; they are in no sum."""
    return [*([] if scale_out.pre_pull else [PULL]), *([] if scale_out.buffer is not BufferKind.NONE else [NEW_NODE])]


def is_raised_by_fast_scaler(scale_out: ScaleOut) -> bool:
    """Whether a raised minimum precedes the HPA. A scheduled floor makes KEDA leave the size to the HPA."""
    target = scale_out.target
    eligible = scale_out.keda is not OptionalInstall.NONE and target.in_flight_per_replica is not None
    return scale_out.fast_scaler and eligible and not target.schedules


def by_resources(scale_out: ScaleOut) -> bool:
    """Whether the service scales on CPU and memory alone."""
    target = scale_out.target
    loads = (target.in_flight_per_replica, target.sessions_per_replica, target.queue)
    return scale_out.keda is OptionalInstall.NONE or not any(loads)


def measurement(scale_out: ScaleOut) -> Stage:
    """Until the metric shows the step. A sum over N pods is complete after the scrape of the last one."""
    target = scale_out.target
    if by_resources(scale_out):
        return Stage("CPU, memory: kubelet, metrics-server", 0, 12, 25, "10 s and 15 s (their defaults)")
    if not (target.in_flight_per_replica or target.sessions_per_replica):
        interval = scale_out.exporter_scrape_seconds
        return Stage("scrape of the queue", 0, interval / 2, interval, f"every {interval} s, if it names no other")
    pods, interval = max(1, target.min_replicas), scale_out.scrape_seconds
    return Stage("scrape of the pods", 0, interval * pods / (pods + 1), interval, f"every {interval} s, {pods} pods")


def growth_seconds(target: ScalingTarget, factor: float) -> float:
    """Wait for the growth periods after the first, until `factor` times the smallest size is reached."""
    size = max(1, target.min_replicas)
    wanted, periods = min(ceil(size * factor), target.max_replicas), 0
    while size < wanted:
        size, periods = ceil(size * (100 + target.scale_up.percent) / 100), periods + 1
    return max(0, periods - 1) * float(max(HPA_SYNC_SECONDS, target.scale_up.period_seconds))


def pod_ready_seconds(target: ScalingTarget, readiness_seconds: int) -> float:
    """Seconds until a new replica serves: `scaling.pod_ready_seconds`, or the worst case on an existing node."""
    scale_out = ScaleOut(target, OptionalInstall.COMPONENT, 0, 0, readiness_seconds)
    return sum(stage.worst_seconds for stage in ready_stages(scale_out))


def quantile(stages: list[Stage], share: float) -> float:
    """Quantile `share` (0..1) of the sum of `stages`, seconds."""
    total = 0.0
    for cell, mass in enumerate(distribution(stages)):
        total += mass
        if total >= share - 1e-9:
            return cell * GRID_SECONDS
    raise INVALID_SHARE.error(share=share)


def distribution(stages: list[Stage]) -> list[float]:
    """Probabilities of the sum, in cells of GRID_SECONDS: the convolution of the stages."""
    result = [1.0]
    for stage in stages:
        cells = _cells(stage)
        total = [0.0] * (len(result) + len(cells) - 1)
        for shift, weight in enumerate(cells):
            for cell, mass in enumerate(result if weight else ()):
                total[cell + shift] += weight * mass
        result = total
    return result


def _cells(stage: Stage) -> list[float]:
    """Half of the cases uniformly between least and typical, half between typical and worst."""
    least, middle, most = (round(seconds / GRID_SECONDS) for seconds in stage[1:4])
    cells = [0.0] * (most + 1)
    for first, last in ((least, middle), (middle, most)):
        for cell in range(first, last + 1):
            cells[cell] += 0.5 / (last - first + 1)
    return cells


class Change(NamedTuple):
    """A setting to change, and the seconds at p99 that it leads to."""

    text: str
    ready_p99_seconds: float


def ready_p99(scale_out: ScaleOut) -> float:
    """Seconds from the step to the first call at a new replica, at p99."""
    return quantile([*decision_stages(scale_out), *ready_stages(scale_out)], 0.99)


def changes(scale_out: ScaleOut) -> list[Change]:
    """Settings that reduce the latency by more than a second, each tried alone, the largest gain first."""
    target, up = scale_out.target, scale_out.target.scale_up

    def with_target(**fields: object) -> ScaleOut:
        return scale_out._replace(target=target.model_copy(update=fields))

    keda = OptionalInstall.COMPONENT if scale_out.keda is OptionalInstall.NONE else scale_out.keda
    counted = with_target(in_flight_per_replica=target.in_flight_per_replica or 28)._replace(keda=keda)
    tried = {
        "scale_up.percent: 900": with_target(scale_up=up.model_copy(update={"percent": 900})),
        "scale_up.stabilization_seconds: 0": with_target(scale_up=up.model_copy(update={"stabilization_seconds": 0})),
        "scale_up.period_seconds: 15": with_target(scale_up=up.model_copy(update={"period_seconds": 15})),
        "in_flight_per_replica: 28 (and keda.install: component or existing)": counted,
        "keda.fast_scaler: {image: ...}": scale_out._replace(fast_scaler=True),
        "a faster start: pull the image before, import less (then measure pod_ready_seconds)": with_target(
            pod_ready_seconds=None
        ),
    }
    now = ready_p99(scale_out)
    found = [Change(text, ready_p99(other)) for text, other in tried.items()]
    return sorted((item for item in found if item.ready_p99_seconds < now - 1), key=lambda item: item.ready_p99_seconds)
