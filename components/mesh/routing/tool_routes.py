"""Route rules for calls of single tools: pools, retries, time-outs, mirrored traffic.

Rules match the headers of MCP 2026-07-28, which servers verify against the body; a request of an earlier revision could
name a harmless tool in the header and call another one.
"""

from typing import Final, NamedTuple

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization import policy
from meshed_mcp.components.mesh.routing.tool_args import ToolTraffic
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

RETRIES: Final = {"attempts": 2, "retryOn": "connect-failure,refused-stream"}
"""Only failures before the server got the request, so a tool never runs twice."""

REPEATABLE_RETRIES: Final = {"attempts": 2, "retryOn": "connect-failure,refused-stream,reset,gateway-error"}
"""For repeatable tools: also connections that broke before the response began, and 502, 503, 504. Envoy retries nothing
after the response began. Source: Envoy, router filter, `x-envoy-retry-on`."""


class ToolGroup(NamedTuple):
    """Tools with equal routing, in the order of the stack file."""

    tools: tuple[str, ...]
    pool: str | None
    repeatable: bool
    timeout_seconds: int | None
    mirrored: bool

    @property
    def label(self) -> str:
        """Part of the rule's name, derived from the settings of the group."""
        parts = [
            "" if self.pool is None else f"pool-{self.pool}",
            "repeatable" if self.repeatable else "",
            f"{self.timeout_seconds}s" if self.timeout_seconds else "",
            "mirrored" if self.mirrored else "",
        ]
        return "-".join(part for part in parts if part)


def tool_groups(args: MeshedMCPServiceArgs, *, selected: bool = False) -> list[ToolGroup]:
    """Groups of tools with settings of their own. A version that a header selected has no pools and no mirror."""
    pools = {} if selected else {tool: pool for pool, item in args.pools.items() for tool in item.tools}
    mirrored = set(args.rollout.mirror.tools) if args.rollout.mirror and not selected else set[str]()
    grouped: dict[tuple[str | None, bool, int | None, bool], list[str]] = {}
    for tool in dict.fromkeys([*args.tools, *pools]):
        rule = args.tools.get(tool) or ToolTraffic()
        key = (pools.get(tool), rule.repeatable, rule.timeout_seconds, tool in mirrored)
        if key != DEFAULT_GROUP:
            grouped.setdefault(key, []).append(tool)
    return [ToolGroup(tuple(tools), *key) for key, tools in grouped.items()]


DEFAULT_GROUP: Final = (None, False, None, False)
"""Settings of a tool without its own."""


def call_matches(group: ToolGroup, matches: list[Manifest]) -> list[Manifest]:
    """`matches` for the calls of each tool of the group."""
    return [
        {**match, "headers": {**match.get("headers", {}), **call_headers(tool)}}
        for tool in group.tools
        for match in matches
    ]


def call_headers(tool: str) -> Manifest:
    """Header matches for calls of one tool."""
    return {
        policy.METHOD_HEADER: {"exact": policy.CALL_METHOD},
        policy.NAME_HEADER: {"exact": tool},
        policy.VERSION_HEADER: {"exact": policy.REVISION},
    }


def retry_and_timeout(group: ToolGroup | None) -> Manifest:
    """`retries` and `timeout` of a rule; without a group only requests that reached no server are retried."""
    if group is None:
        return {"retries": dict(RETRIES)}
    timeout = {} if group.timeout_seconds is None else {"timeout": f"{group.timeout_seconds}s"}
    return {"retries": dict(REPEATABLE_RETRIES if group.repeatable else RETRIES), **timeout}
