"""What of a service's routes contradicts its other settings: one line each, with the field's path.

Settings in, sentences out; called when the settings are validated. Not here: rules within one structure (its model),
and between services (infra/plan.py).
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from meshed_mcp import contract
from meshed_mcp.components.core.names import DNS_LABEL
from meshed_mcp.components.mesh.limits_args import check_limits
from meshed_mcp.components.mesh.tool_args import PoolSettings, cut_faults, mirror_faults

if TYPE_CHECKING:
    from meshed_mcp.components.mesh.args import ServiceSettings

EVERY_TOOL = "*"


def traffic_faults(settings: "ServiceSettings") -> Iterator[str]:
    """Every fault of routes, pools and tools."""
    yield from cut_faults(settings.tools)
    yield from unnamed_faults(settings)
    if settings.rollout.mirror is not None:
        yield from mirror_faults(settings.rollout.mirror.tools, settings.tools)
    yield from pool_faults(settings)
    yield from session_faults(settings)


def unnamed_faults(settings: "ServiceSettings") -> Iterator[str]:
    """Properties of a tool, said of all that are not named."""
    rule = settings.tools.get(EVERY_TOOL)
    if rule is not None and (rule.repeatable or rule.timeout_seconds is not None):
        yield (
            "tools.*: whether calls may be repeated is known of single tools only; name each that is read_only or "
            "idempotent"
        )


def pool_faults(settings: "ServiceSettings") -> Iterator[str]:
    """Names that are none, tools in two pools, and limits that do not fit a pool's pods."""
    owners: dict[str, str] = {}
    for name, pool in settings.pools.items():
        if re.fullmatch(rf"(?=[a-z]){DNS_LABEL}", name) is None:
            yield (
                f"pools.{name}: cannot name a pool, whose Deployment is <service>-<pool>; write lower-case letters, "
                "digits and '-', such as 'slow'"
            )
        elif name in {contract.CANARY, contract.GREEN, contract.VARIANT}:
            yield f"pools.{name}: is the name of a rollout's second version; write another, such as 'slow'"
        for number, tool in enumerate(pool.tools):
            if tool == EVERY_TOOL:
                yield f"pools.{name}.tools[{number}]: '*' would leave the service's own pods nothing; name the tools"
            elif owners.setdefault(tool, name) != name:
                yield f"pools.{name}.tools[{number}]: {tool!r} is in pool {owners[tool]} too; remove it from one"
        yield from _limit_faults(settings, name, pool)


def _limit_faults(settings: "ServiceSettings", name: str, pool: PoolSettings) -> Iterator[str]:
    limits = settings.limits
    if pool.call_seconds is not None:
        limits = limits.model_copy(update={"call_seconds": pool.call_seconds})
    if pool.call_seconds is None and pool.resources is None:
        return
    try:
        check_limits(limits, settings.drain, pool.resources or settings.resources)
    except ValueError as error:
        yield f"pools.{name}: {error}"


def session_faults(settings: "ServiceSettings") -> Iterator[str]:
    """Sessions on replicas that nobody finds sick."""
    if settings.legacy is contract.Legacy.STICKY and settings.traffic.outlier_detection is None:
        yield (
            "traffic.outlier_detection: null with legacy: sticky leaves sessions on a replica that died, and each of "
            "their requests gets 503; remove the null, or write legacy: stateless"
        )
