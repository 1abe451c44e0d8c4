"""Validation of request headers in route rules, and of routes, pools and tools against other settings of a service."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import re2

from meshed_mcp import contract
from meshed_mcp.components.core.names import DNS_LABEL
from meshed_mcp.components.mesh.routing.tool_args import PoolSettings, mirror_issues, timeout_issues
from meshed_mcp.components.mesh.service.limits_args import validate_limits
from meshed_mcp.error_codes import service as codes
from meshed_mcp.error_codes.code import Message, MessageError

if TYPE_CHECKING:
    from meshed_mcp.components.mesh.service.args import ServiceSettings

EVERY_TOOL = "*"

_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
"""Source: RFC 9110, section 5.6.2, token; in lower case, as proxies normalize them."""

RESERVED_PREFIXES: Final = ("mcp-", "x-envoy-", "x-forwarded-")
"""Headers that MCP and proxies set themselves."""

RESERVED: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "authorization", "cookie"})
"""Headers that frame or authorize a request."""

MAX_PROGRAM: Final = 100
"""Largest RE2 program. Source: Envoy, default of `re2.max_program_size.error_level`; Istio sets 32768, but a header
pattern of that size is a mistake."""


def header_name(name: str) -> str:
    """Name of a request header that selects a version."""
    if _NAME.fullmatch(name) is None:
        raise codes.INVALID_HEADER_NAME.error(name=name)
    if name in RESERVED or name.startswith(RESERVED_PREFIXES):
        raise codes.RESERVED_HEADER.error(name=name)
    return name


def header_regex(pattern: str) -> str:
    """Pattern that matches the whole value of a header. Source: RE2, "Syntax"."""
    if not pattern:
        raise codes.EMPTY_PATTERN.error()
    options = re2.Options()
    options.log_errors = False
    try:
        program = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise codes.INVALID_PATTERN.error(pattern=pattern, reason=reason) from None
    if program.programsize > MAX_PROGRAM:
        raise codes.PATTERN_TOO_LARGE.error(characters=len(pattern), steps=program.programsize, most=MAX_PROGRAM)
    return pattern


def traffic_issues(settings: "ServiceSettings") -> Iterator[Message]:
    """Every issue of routes, pools and tools."""
    yield from timeout_issues(settings.tools)
    yield from wildcard_issues(settings)
    if settings.rollout.mirror is not None:
        yield from mirror_issues(settings.rollout.mirror.tools, settings.tools)
    yield from pool_issues(settings)
    yield from session_issues(settings)


def wildcard_issues(settings: "ServiceSettings") -> Iterator[Message]:
    """Properties of a single tool that are set for "*"."""
    rule = settings.tools.get(EVERY_TOOL)
    if rule is not None and (rule.repeatable or rule.timeout_seconds is not None):
        yield codes.RETRY_OF_EVERY_TOOL.message()


def pool_issues(settings: "ServiceSettings") -> Iterator[Message]:
    """Invalid pool names, tools in two pools, and limits that do not fit the pods of a pool."""
    owners: dict[str, str] = {}
    for name, pool in settings.pools.items():
        if re.fullmatch(rf"(?=[a-z]){DNS_LABEL}", name) is None:
            yield codes.INVALID_POOL_NAME.message(name=name)
        elif name in {contract.CANARY, contract.GREEN, contract.VARIANT}:
            yield codes.POOL_NAME_TAKEN.message(name=name)
        for number, tool in enumerate(pool.tools):
            if tool == EVERY_TOOL:
                yield codes.POOL_OF_EVERY_TOOL.message(name=name, number=number)
            elif owners.setdefault(tool, name) != name:
                yield codes.TOOL_IN_TWO_POOLS.message(name=name, number=number, tool=tool, other=owners[tool])
        yield from _limit_issues(settings, name, pool)


def _limit_issues(settings: "ServiceSettings", name: str, pool: PoolSettings) -> Iterator[Message]:
    limits = settings.limits
    if pool.call_seconds is not None:
        limits = limits.model_copy(update={"call_seconds": pool.call_seconds})
    if pool.call_seconds is None and pool.resources is None:
        return
    try:
        validate_limits(limits, settings.drain, pool.resources or settings.resources)
    except MessageError as error:
        yield from (message.at(f"pools.{name}") for message in error.messages)


def session_issues(settings: "ServiceSettings") -> Iterator[Message]:
    """Sticky sessions without outlier detection."""
    if settings.legacy is contract.Legacy.STICKY and settings.traffic.outlier_detection is None:
        yield codes.STICKY_WITHOUT_OUTLIER_DETECTION.message()
