"""The reaction budget: how long a step in load takes to become a replica that answers, stage by stage.

One service's settings in, stages with their seconds out, and quantiles of their sum. Not here: printing
(`meshed_mcp/cli/scaling.py`), the time a forecast saves (`autoscaling/forecast/model.py`).

Stages are independent of each other; the sum of their worst cases is a bound that no run reaches, so promises are made
by quantiles. Against the real HPA controller and KEDA (23 steps of 4 to 8 replicas, 5 s scrape, held query) decisions
took 12.0 s at the median and 19.2 s at worst.
"""

from math import ceil
from typing import Final, NamedTuple

from meshed_mcp.components.autoscaling.args import KedaInstall, ScalingTarget
from meshed_mcp.components.autoscaling.keda.scaled_object import ZERO_POLLING_SECONDS
from meshed_mcp.components.autoscaling.nodes.args import BufferKind
from meshed_mcp.error_codes.cli import INVALID_SHARE

GOAL_SECONDS: Final = 30
"""Product goal: load step to a serving replica, at p99, on a node that is there."""

HPA_SYNC_SECONDS: Final = 15
"""Period of the HPA controller; managed clusters do not let it be set. Source: kube-controller-manager, default of
`--horizontal-pod-autoscaler-sync-period`."""

GRID_SECONDS: Final = 0.25
"""Resolution of the sum's distribution."""


class Stage(NamedTuple):
    """One stage: least, typical (median) and worst seconds, and where they come from."""

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
"""Import and start of a Python server, before its first readiness probe: least, typical, worst. Assumed."""

FAST_SCALER: Final = Stage(
    "fast scaler queries, KEDA scales",
    0.1,
    0.35,
    0.7,
    "asked every 0.5 s; KEDA wrote within 0.11 s of a patch (measured)",
)
"""What stands in place of the HPA's sync and its periods of growth: a raised minimum is no matter of policies."""

RULE: Final = Stage(
    "rule of the fast scaler", 0, 2.5, 5, "every 5 s; too many services with numbers of their own to ask live"
)
"""What comes before it for a service that the fast scaler does not ask about live."""

PULL: Final = Stage("if the image is absent: pull", 10, 20, 60, "assumed; set nodes.pre_pull: true")
NEW_NODE: Final = Stage("if no node has room: a new one", 60, 120, 210, "Cluster Autoscaler FAQ; set nodes.buffer")


class Reaction(NamedTuple):
    """What decides how fast one service reacts."""

    target: ScalingTarget
    keda: KedaInstall
    scrape_seconds: int
    """Of the service's pods."""

    exporter_scrape_seconds: int
    """Of everything else, such as the exporter of a queue."""

    readiness_seconds: int
    """Period of the readiness probe."""

    fast_scaler: bool = False
    """Whether the fast scaler raises the minimum."""

    live: bool = True
    """Whether the fast scaler asks for this service's load itself, and not only for what the rule has recorded."""

    pre_pull: bool = False
    """Whether nodes have the image before a replica comes."""

    buffer: BufferKind = BufferKind.NONE
    """What keeps room on nodes."""

    factor: float = 4
    """Load after the step, as a multiple of the load before."""


def decision_stages(reaction: Reaction) -> list[Stage]:
    """From the step to the new size in the Deployment."""
    target = reaction.target
    stages = [measurement(reaction)]
    if is_raised_by_fast_scaler(reaction):
        return [*stages, *([] if reaction.live else [RULE]), FAST_SCALER]
    if target.min_replicas == 0:
        return [*stages, Stage("KEDA looks, from 0", 0, ZERO_POLLING_SECONDS / 2, ZERO_POLLING_SECONDS, "this stack")]
    if reaction.keda is not KedaInstall.NONE and not by_resources(reaction):
        stages.append(Stage("KEDA asks Prometheus", 0.1, 0.3, 3, "live query; KEDA's time-out is 3 s"))
    stages.append(Stage("HPA sync", 0, HPA_SYNC_SECONDS / 2, HPA_SYNC_SECONDS, "Kubernetes, default period"))
    if wait := float(target.scale_up.stabilization_seconds):
        stages.append(Stage("scale_up.stabilization_seconds", wait, wait, wait, "this stack"))
    if wait := growth_seconds(target, reaction.factor):
        periods = f"{target.scale_up.percent} % per {target.scale_up.period_seconds} s"
        stages.append(Stage("further periods of growth", wait, wait, wait, f"this stack: {periods}"))
    return stages


def ready_stages(reaction: Reaction) -> list[Stage]:
    """From the new size to the first call at a new replica, on a node that is there and has the image."""
    if known := reaction.target.pod_ready_seconds:
        return [Stage("replica ready", known, known, known, "this stack: scaling.pod_ready_seconds")]
    least, typical, worst = APPLICATION_SECONDS
    period = reaction.readiness_seconds
    own = Stage("server starts, first probe", least, typical + period / 2, worst + period, f"assumed; probe {period} s")
    return [*POD_START, own, ENDPOINTS]


def exceptions(reaction: Reaction) -> list[Stage]:
    """What comes on top where the stack prepares nothing for it; in no sum."""
    return [*([] if reaction.pre_pull else [PULL]), *([] if reaction.buffer is not BufferKind.NONE else [NEW_NODE])]


def is_raised_by_fast_scaler(reaction: Reaction) -> bool:
    """Whether a raised minimum comes before the HPA: not while a floor by schedule makes KEDA leave the size to it."""
    target = reaction.target
    pulled = reaction.keda is not KedaInstall.NONE and target.in_flight_per_replica is not None
    return reaction.fast_scaler and pulled and not target.schedules


def by_resources(reaction: Reaction) -> bool:
    """Whether CPU and memory alone count."""
    target = reaction.target
    loads = (target.in_flight_per_replica, target.sessions_per_replica, target.queue)
    return reaction.keda is KedaInstall.NONE or not any(loads)


def measurement(reaction: Reaction) -> Stage:
    """Until the step shows in the number that counts: a sum over N pods is whole when the last one was scraped."""
    target = reaction.target
    if by_resources(reaction):
        return Stage("CPU, memory: kubelet, metrics-server", 0, 12, 25, "10 s and 15 s (their defaults)")
    if not (target.in_flight_per_replica or target.sessions_per_replica):
        interval = reaction.exporter_scrape_seconds
        return Stage("scrape of the queue", 0, interval / 2, interval, f"every {interval} s, if it names no other")
    pods, interval = max(1, target.min_replicas), reaction.scrape_seconds
    return Stage("scrape of the pods", 0, interval * pods / (pods + 1), interval, f"every {interval} s, {pods} pods")


def growth_seconds(target: ScalingTarget, factor: float) -> float:
    """Wait for the periods after the first that `scale_up` takes to reach `factor` times the smallest size."""
    size = max(1, target.min_replicas)
    wanted, periods = min(ceil(size * factor), target.max_replicas), 0
    while size < wanted:
        size, periods = ceil(size * (100 + target.scale_up.percent) / 100), periods + 1
    return max(0, periods - 1) * float(max(HPA_SYNC_SECONDS, target.scale_up.period_seconds))


def pod_ready_seconds(target: ScalingTarget, readiness_seconds: int) -> float:
    """Seconds until a new replica gets calls: as the stack says, else the worst of a node that is there."""
    reaction = Reaction(target, KedaInstall.RELEASE, 0, 0, readiness_seconds)
    return sum(stage.worst_seconds for stage in ready_stages(reaction))


def quantile(stages: list[Stage], share: float) -> float:
    """Seconds within which the sum of `stages` stays in `share` (0..1) of the cases."""
    total = 0.0
    for cell, mass in enumerate(distribution(stages)):
        total += mass
        if total >= share - 1e-9:
            return cell * GRID_SECONDS
    raise INVALID_SHARE.error(share=share)


def distribution(stages: list[Stage]) -> list[float]:
    """Probabilities of the sum, in cells of GRID_SECONDS."""
    result = [1.0]
    for stage in stages:
        result = _convolved(result, _cells(stage))
    return result


def _cells(stage: Stage) -> list[float]:
    """Half of the cases evenly between least and typical, half between typical and worst."""
    least, middle, most = (round(seconds / GRID_SECONDS) for seconds in stage[1:4])
    cells = [0.0] * (most + 1)
    for first, last in ((least, middle), (middle, most)):
        for cell in range(first, last + 1):
            cells[cell] += 0.5 / (last - first + 1)
    return cells


def _convolved(first: list[float], second: list[float]) -> list[float]:
    result = [0.0] * (len(first) + len(second) - 1)
    for shift, weight in enumerate(second):
        if weight:
            for cell, mass in enumerate(first):
                result[cell + shift] += weight * mass
    return result


class Change(NamedTuple):
    """Something to write in the stack, and the seconds at p99 that it leads to."""

    text: str
    ready_p99_seconds: float


def ready_p99(reaction: Reaction) -> float:
    """Seconds from the step to the first call at a new replica, at p99."""
    return quantile([*decision_stages(reaction), *ready_stages(reaction)], 0.99)


def changes(reaction: Reaction) -> list[Change]:
    """What would make this service react faster, each tried alone, the most useful first."""
    target, up = reaction.target, reaction.target.scale_up
    tried = {
        "scale_up.percent: 900": _with(reaction, scale_up=up.model_copy(update={"percent": 900})),
        "scale_up.stabilization_seconds: 0": _with(
            reaction, scale_up=up.model_copy(update={"stabilization_seconds": 0})
        ),
        "scale_up.period_seconds: 15": _with(reaction, scale_up=up.model_copy(update={"period_seconds": 15})),
        "in_flight_per_replica: 28 (and keda.install: release or existing)": _with(
            reaction, in_flight_per_replica=target.in_flight_per_replica or 28
        )._replace(keda=KedaInstall.RELEASE if reaction.keda is KedaInstall.NONE else reaction.keda),
        "keda.fast_scaler: {image: ...}": reaction._replace(fast_scaler=True),
        "a faster start: pull the image before, import less (then measure pod_ready_seconds)": _with(
            reaction, pod_ready_seconds=None
        ),
    }
    now = ready_p99(reaction)
    found = [Change(text, ready_p99(other)) for text, other in tried.items()]
    return sorted((item for item in found if item.ready_p99_seconds < now - 1), key=lambda item: item.ready_p99_seconds)


def _with(reaction: Reaction, **fields: object) -> Reaction:
    return reaction._replace(target=reaction.target.model_copy(update=fields))
