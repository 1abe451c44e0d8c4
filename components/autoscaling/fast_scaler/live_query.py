"""Which services the fast scaler asks about live, and how: services of the same numbers share one expression.

Targets in, PromQL out. A thousand services of one profile are a few expressions, and an answer takes Prometheus 0.05 s;
a thousand expressions would take it seconds, each half second. So the text has a bound: beyond it a service's need is
known by the rule alone, up to 5 s later. Not here: the query that the expressions go into (`promql/fast_scaler.py`).
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from meshed_mcp.components.autoscaling.args import ScalingTarget
from meshed_mcp.components.promql import fast_scaler, selectors

TEXT_BYTES: Final = 24_576
"""Longest text, about 100 services with numbers of their own. A real Prometheus takes 0.05 s of a core to answer that,
as it does for 1,000 services with the same numbers and two pods each; Linux takes 128 KiB in one variable."""

TOGETHER: Final = 250
"""Most services of one expression, so that those with long names are not left out all at once."""


class Shape(NamedTuple):
    """What services have in common that one expression asks about."""

    name: str
    """Of the ScaledObject; `${1}` stands for the service's name."""

    version: str | None
    per_replica: int
    least: int
    most: int


class Part(NamedTuple):
    """One expression, and the targets that it asks about."""

    targets: tuple[str, ...]
    text: str


def parts(targets: Mapping[str, ScalingTarget], namespace: str) -> list[Part]:
    """The expressions that are asked live, those about most services first, as far as TEXT_BYTES goes."""
    found: list[Part] = []
    room = TEXT_BYTES
    for part in sorted(every_part(targets, namespace), key=lambda each: (-len(each.targets), each.targets)):
        room -= len(part.text)
        if room < 0:
            break
        found.append(part)
    return found


def every_part(targets: Mapping[str, ScalingTarget], namespace: str) -> Iterator[Part]:
    """An expression for every target."""
    by_shape: dict[Shape, list[str]] = {}
    for name, target in sorted(targets.items()):
        by_shape.setdefault(shape(name, target), []).append(name)
    for common, names in by_shape.items():
        for start in range(0, len(names), TOGETHER):
            chosen = names[start:][:TOGETHER]
            servers = [targets[name].service or name for name in chosen]
            yield Part(tuple(chosen), expression(common, servers, namespace))


def shape(name: str, target: ScalingTarget) -> Shape:
    """The shape of one target. The ScaledObject of a canary or a pool is its service's name and a suffix."""
    service = target.service or name
    suffix = name.removeprefix(service)
    pattern = f"${{1}}{suffix}" if name.startswith(service) else name
    each = target.in_flight_per_replica or 1
    return Shape(pattern, target.version, each, target.min_replicas, target.max_replicas)


def expression(common: Shape, servers: list[str], namespace: str) -> str:
    """Replicas that the load of this moment needs, per ScaledObject."""
    pods = selectors.selector(namespace, "|".join(servers), version=common.version, regex=True)
    load = selectors.in_flight_by_server(pods)
    need = fast_scaler.needed_replicas(load, common.per_replica, common.least, common.most)
    return fast_scaler.by_scaled_object(need, common.name)


def asked(targets: Mapping[str, ScalingTarget], namespace: str) -> frozenset[str]:
    """Names of the targets that are asked about live."""
    return frozenset(name for part in parts(targets, namespace) for name in part.targets)
