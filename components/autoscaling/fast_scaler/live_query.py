"""Live query of the fast scaler: services with equal settings share one expression.

A thousand services of one profile are a few expressions, which Prometheus evaluates in 0.05 s; a thousand expressions
would take seconds, each half second. The text is bounded: the need of the remaining services comes from the recording
rule alone, up to 5 s later. The complete query is in `promql/fast_scaler.py`.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from meshed_mcp.components.autoscaling.args import ScalingTarget
from meshed_mcp.components.promql import fast_scaler, load, selectors

TEXT_BYTES: Final = 24_576
"""Longest text: about 100 services with distinct settings. Prometheus evaluates it in 0.05 s of a core (measured), the
same as 1,000 services with equal settings and two pods each; Linux takes 128 KiB in one variable."""

SERVICES_PER_EXPRESSION: Final = 250
"""Bound of one expression, so that the text bound drops services in small groups."""


class Shape(NamedTuple):
    """Settings that the services of one expression share."""

    name: str
    """Name of the ScaledObject; `${1}` is the service's name."""

    version: str | None
    has_runtime: bool
    per_replica: int
    least: int
    most: int


class Part(NamedTuple):
    """One expression and the targets that it covers."""

    targets: tuple[str, ...]
    text: str


def parts(targets: Mapping[str, ScalingTarget], namespace: str) -> list[Part]:
    """The expressions of the live query within TEXT_BYTES, those with most services first."""
    found: list[Part] = []
    remaining = TEXT_BYTES
    for part in sorted(every_part(targets, namespace), key=lambda each: (-len(each.targets), each.targets)):
        remaining -= len(part.text)
        if remaining < 0:
            break
        found.append(part)
    return found


def every_part(targets: Mapping[str, ScalingTarget], namespace: str) -> Iterator[Part]:
    """Expressions that cover all targets."""
    by_shape: dict[Shape, list[str]] = {}
    for name, target in sorted(targets.items()):
        by_shape.setdefault(shape(name, target), []).append(name)
    for common, names in by_shape.items():
        for start in range(0, len(names), SERVICES_PER_EXPRESSION):
            chosen = names[start:][:SERVICES_PER_EXPRESSION]
            servers = [targets[name].service or name for name in chosen]
            yield Part(tuple(chosen), expression(common, servers, namespace))


def shape(name: str, target: ScalingTarget) -> Shape:
    """The shape of one target. The ScaledObject of a canary or a pool is named after its service, with a suffix."""
    service = target.service or name
    suffix = name.removeprefix(service)
    pattern = f"${{1}}{suffix}" if name.startswith(service) else name
    each = target.in_flight_per_replica or 1
    return Shape(pattern, target.version, target.has_runtime, each, target.min_replicas, target.max_replicas)


def expression(common: Shape, servers: list[str], namespace: str) -> str:
    """Replicas that the current load needs, per ScaledObject."""
    pods = selectors.selector(namespace, "|".join(servers), version=common.version, regex=True)
    current = load.in_flight(has_runtime=common.has_runtime).by_server(pods)
    need = fast_scaler.needed_replicas(current, common.per_replica, common.least, common.most)
    return fast_scaler.by_scaled_object(need, common.name)


def live_targets(targets: Mapping[str, ScalingTarget], namespace: str) -> frozenset[str]:
    """Names of the targets that the live query covers."""
    return frozenset(name for part in parts(targets, namespace) for name in part.targets)
