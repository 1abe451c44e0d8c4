"""Arguments of how calls of single tools retry_and_timeout: what may be repeated, what is cut, what has a pool of its own.

Stack keys in, frozen models out. It holds for requests of MCP 2026-07-28 and later, which name their tool in a header
that the server compares with the body; calls of earlier revisions retry_and_timeout as all others. Not here: who may call a tool
(mesh/authorization/tool_policy_args.py), the routes that follow (tool_routes.py).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import Field, field_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.service.container_args import ServerResources
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.service import MIRROR_OF_UNSAFE_TOOL, TIMEOUT_ON_UNSAFE_TOOL
from meshed_mcp.error_codes.values import LISTED_TWICE

POOL_PREFIX: Final = "pool-"
"""Begins the label `version` of a pool's pods, so that no pool is taken for a version."""


class ToolTraffic(Model):
    """How calls of one tool retry_and_timeout."""

    read_only: bool = False
    """True = the tool changes nothing, as its annotation `readOnlyHint` says; calls may be repeated and mirrored."""

    idempotent: bool = False
    """True = a second call with the same arguments changes nothing more, as its annotation `idempotentHint` says: its
    calls may be repeated."""

    timeout_seconds: int | None = Field(default=None, ge=1, le=3600)
    """Seconds after which a proxy ends a call with 504, every repetition included; for tools that may be repeated.
    Unset = none: the server itself ends calls, at `limits.call_seconds`, and says so in MCP."""

    @property
    def repeatable(self) -> bool:
        """Whether a call that a server may have seen can be sent again."""
        return self.read_only or self.idempotent


class PoolSettings(Model):
    """Pods of their own for slow or expensive tools: the same image, another Deployment."""

    tools: list[str] = Field(min_length=1)
    """Tools whose calls these pods get, and the others do not."""

    resources: ServerResources | None = None
    """CPU and memory of the container; unset = as the service's."""

    call_seconds: int | None = Field(default=None, ge=1, le=3600)
    """Longest call in these pods, as `limits.call_seconds`; unset = as the service's."""

    @field_validator("tools")
    @classmethod
    def _are_different(cls, value: list[str]) -> list[str]:
        twice = sorted({tool for tool in value if value.count(tool) > 1})
        if twice:
            raise LISTED_TWICE.error(names=listed(twice))
        return value


class Pool(PoolSettings):
    """A pool with its size."""

    replicas: int = Field(default=2, ge=1, le=1000)
    """Pods; of an autoscaled pool, at creation."""


def cut_issues(tools: Mapping[str, ToolTraffic]) -> Iterator[Message]:
    """Time-outs on tools whose calls may not be cut."""
    for tool, rule in tools.items():
        if rule.timeout_seconds is not None and not rule.repeatable:
            yield TIMEOUT_ON_UNSAFE_TOOL.message(tool=tool)


def mirror_issues(tools: list[str], declared: Mapping[str, ToolTraffic]) -> Iterator[Message]:
    """Mirrored tools that may change something."""
    for number, tool in enumerate(tools):
        if tool not in declared or not declared[tool].read_only:
            yield MIRROR_OF_UNSAFE_TOOL.message(number=number, tool=tool)
