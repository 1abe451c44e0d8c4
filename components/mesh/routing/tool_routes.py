"""How calls of single tools are routed: pools of their own, repetition, time-outs, mirrors.

A service's arguments in, groups of tools and parts of rules out. A tool is told by headers, so only requests of the
revision whose servers compare headers with the body count: an earlier one could name a harmless tool and call another.
Not here: the rules' order and places (virtual_service.py).
"""

from typing import Final, NamedTuple

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization.policy import (
    CALL_METHOD,
    METHOD_HEADER,
    NAME_HEADER,
    REVISION,
    VERSION_HEADER,
)
from meshed_mcp.components.mesh.routing.tool_args import ToolTraffic
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

RETRIES: Final = {"attempts": 2, "retryOn": "connect-failure,refused-stream"}
"""Only faults before the server saw the call, so a POST of tools/call never runs twice."""

REPEATED: Final = {"attempts": 2, "retryOn": "connect-failure,refused-stream,reset,gateway-error"}
"""For tools that may run twice: also a connection that broke before the answer began, and 502, 503, 504.

Source: Envoy, router filter, `x-envoy-retry-on`; nothing is repeated once an answer has begun.
"""


class ToolGroup(NamedTuple):
    """Tools whose calls retry_and_timeout alike, in the order of the stack file."""

    tools: tuple[str, ...]
    pool: str | None
    repeatable: bool
    timeout_seconds: int | None
    mirrored: bool

    @property
    def label(self) -> str:
        """Part of a rule's name, the same while the group's own settings are."""
        parts = [
            "" if self.pool is None else f"pool-{self.pool}",
            "repeatable" if self.repeatable else "",
            f"{self.timeout_seconds}s" if self.timeout_seconds else "",
            "mirrored" if self.mirrored else "",
        ]
        return "-".join(part for part in parts if part)


def tool_groups(args: MeshedMCPServiceArgs, *, asked: bool = False) -> list[ToolGroup]:
    """The groups of all tools that do not retry_and_timeout as everything else; of calls that asked for a version, only how they
    are repeated and cut: there are no pools of it, and nobody mirrors it.
    """  # noqa: D205 - one sentence
    pools = {} if asked else {tool: pool for pool, item in args.pools.items() for tool in item.tools}
    mirrored = set(args.rollout.mirror.tools) if args.rollout.mirror and not asked else set[str]()
    grouped: dict[tuple[str | None, bool, int | None, bool], list[str]] = {}
    for tool in dict.fromkeys([*args.tools, *pools]):
        rule = args.tools.get(tool) or ToolTraffic()
        key = (pools.get(tool), rule.repeatable, rule.timeout_seconds, tool in mirrored)
        if key != PLAIN:
            grouped.setdefault(key, []).append(tool)
    return [ToolGroup(tuple(tools), *key) for key, tools in grouped.items()]


PLAIN: Final = (None, False, None, False)
"""What a tool without any setting of its own has."""


def call_matches(group: ToolGroup, match: Manifest) -> list[Manifest]:
    """`match`, narrowed to calls of each of the group's tools."""
    return [{**match, "headers": {**match.get("headers", {}), **_call_headers(tool)}} for tool in group.tools]


def _call_headers(tool: str) -> Manifest:
    return {
        METHOD_HEADER: {"exact": CALL_METHOD},
        NAME_HEADER: {"exact": tool},
        VERSION_HEADER: {"exact": REVISION},
    }


def retry_and_timeout(group: ToolGroup | None) -> Manifest:
    """Retries and time-out of a rule; of calls that nothing is known of, only what no server saw is repeated."""
    if group is None:
        return {"retries": dict(RETRIES)}
    timeout = {} if group.timeout_seconds is None else {"timeout": f"{group.timeout_seconds}s"}
    return {"retries": dict(REPEATED if group.repeatable else RETRIES), **timeout}
