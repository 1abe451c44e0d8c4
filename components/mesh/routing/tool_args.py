"""Arguments of routing for single tools: retries, time-outs and pools.

They apply to requests of MCP 2026-07-28 and later, which name the tool in a header that the server verifies; requests
of earlier revisions are routed like all others.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.mesh.service.container_args import ServerResources
from meshed_mcp.components.mesh.service.validation import without_duplicates
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.service import MIRROR_OF_UNSAFE_TOOL, TIMEOUT_ON_UNSAFE_TOOL

POOL_PREFIX: Final = "pool-"
"""Prefix of the label `version` of a pool's pods, so that no pool is taken for a version."""


class ToolTraffic(Model):
    """Routing of the calls of one tool."""

    read_only: bool = False
    """True = the tool changes nothing, as with `readOnlyHint`; its calls may be retried and mirrored."""

    idempotent: bool = False
    """True = a second call with the same arguments has no further effect, as with `idempotentHint`; its calls may be
    retried."""

    timeout_seconds: int | None = Field(default=None, ge=1, le=3600)
    """Route time-out in seconds including retries, after which the caller gets 504; only for tools that may be retried.
    Unset = none: the server ends calls at `limits.call_seconds` with an MCP error."""

    @property
    def repeatable(self) -> bool:
        """Whether a call that may have run can be retried."""
        return self.read_only or self.idempotent


class PoolSettings(Model):
    """Separate pods for slow or expensive tools: the same image in another Deployment."""

    tools: Annotated[list[str], AfterValidator(without_duplicates)] = Field(min_length=1)
    """Tools whose calls go only to these pods."""

    resources: ServerResources | None = None
    """CPU and memory of the container; unset = as in the service."""

    call_seconds: int | None = Field(default=None, ge=1, le=3600)
    """Deadline of a call in these pods in seconds; unset = `limits.call_seconds`."""


class Pool(PoolSettings):
    """A pool with its replica count."""

    replicas: int = Field(default=2, ge=1, le=1000)
    """Pods; of an autoscaled pool, only at creation."""


def timeout_issues(tools: Mapping[str, ToolTraffic]) -> Iterator[Message]:
    """Time-outs on tools that are not repeatable."""
    for tool, rule in tools.items():
        if rule.timeout_seconds is not None and not rule.repeatable:
            yield TIMEOUT_ON_UNSAFE_TOOL.message(tool=tool)


def mirror_issues(tools: list[str], declared: Mapping[str, ToolTraffic]) -> Iterator[Message]:
    """Mirrored tools that are not read-only."""
    for number, tool in enumerate(tools):
        if tool not in declared or not declared[tool].read_only:
            yield MIRROR_OF_UNSAFE_TOOL.message(number=number, tool=tool)
