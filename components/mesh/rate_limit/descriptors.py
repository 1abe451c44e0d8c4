"""Envoy rate limit actions that derive descriptors from a request, for both filters (local.py and shared.py)."""

import math
from collections.abc import Collection, Mapping
from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization import policy
from meshed_mcp.components.mesh.authorization.organization import (
    JWT_METADATA,
    NO_ORGANIZATION,
    claim_names,
    common_claim,
    organization_expression,
)
from meshed_mcp.components.mesh.authorization.tool_policy_args import EVERY_OTHER_TOOL

TOOL: Final = "tool"
UNNAMED: Final = "unnamed"
ORGANIZATION: Final = "organization"
SERVICE: Final = "service"
"""Descriptor keys."""

TRUE: Final = "true"
EXPRESSION: Final = "envoy.rate_limit_descriptors.expr"
EXPRESSION_TYPE: Final = "type.googleapis.com/envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor"
"""Source: Envoy API v3, RateLimit.Action `extension`; Istio's proxy builds it."""

PLAIN_NAME: Final = "[A-Za-z0-9_./-]+"
"""One plain tool name: repeated headers are joined by a comma, encoded ones begin with `=?`. Envoy rejects the larger
expression with a bound on the length. Source: MCP 2026-07-28, "Tool Names"; Envoy, HeaderMatcher."""

PLAIN_METHOD: Final = "[A-Za-z_/]+"
"""Source: MCP 2026-07-28, schema, names of methods."""

MAX_RETRY_AFTER_SECONDS: Final = 60
"""Upper bound of Retry-After."""


def service_action(name: str) -> Manifest:
    """Descriptor of every request to a service."""
    return {"actions": [{"generic_key": {"descriptor_key": SERVICE, "descriptor_value": name}}]}


def organization_action(claims: Mapping[str, str]) -> Manifest:
    """Descriptor with the organization of the validated token by issuer; client headers are not read."""
    claim = common_claim(claims)
    if claim is None:
        value = {"@type": EXPRESSION_TYPE, "descriptor_key": ORGANIZATION, "text": organization_expression(claims)}
        return {"actions": [{"extension": {"name": EXPRESSION, "typed_config": value}}]}
    name, payload = JWT_METADATA
    key = {"key": name, "path": [{"key": each} for each in (payload, *claim_names(claim))]}
    source = {"metadata_key": key, "source": "DYNAMIC", "default_value": NO_ORGANIZATION}
    return {"actions": [{"metadata": {"descriptor_key": ORGANIZATION, **source}}]}


def tool_actions(tools: Collection[str]) -> list[Manifest]:
    """Descriptors of calls of each of `tools`, and of requests whose headers do not identify the tool."""
    if not tools:
        return []
    named = [tool for tool in tools if tool != EVERY_OTHER_TOOL]
    calls = [_exactly(policy.VERSION_HEADER, policy.REVISION), _exactly(policy.METHOD_HEADER, policy.CALL_METHOD)]
    actions = [_matched(TOOL, tool, *calls, _exactly(policy.NAME_HEADER, tool)) for tool in named]
    if EVERY_OTHER_TOOL in tools:
        others = [_inverted(_exactly(policy.NAME_HEADER, tool)) for tool in named]
        actions.append(_matched(TOOL, EVERY_OTHER_TOOL, *calls, _like(policy.NAME_HEADER, PLAIN_NAME), *others))
    return actions + [_matched(UNNAMED, TRUE, *headers) for headers in _unidentified(calls)]


def _unidentified(calls: list[Manifest]) -> list[list[Manifest]]:
    """Header matches of requests that may call any tool: older revision, malformed method, malformed name.

    They are mutually exclusive. Servers compare headers and body from REVISION on.
    Source: MCP 2026-07-28, "Server Validation".
    """
    older_revision = [_exactly(":method", "POST"), _inverted(_exactly(policy.VERSION_HEADER, policy.REVISION))]
    malformed_method = [calls[0], _inverted(_like(policy.METHOD_HEADER, PLAIN_METHOD))]
    malformed_name = [*calls, _inverted(_like(policy.NAME_HEADER, PLAIN_NAME))]
    return [older_revision, malformed_method, malformed_name]


def _matched(key: str, value: str, *headers: Manifest) -> Manifest:
    match = {"descriptor_key": key, "descriptor_value": value, "headers": list(headers)}
    return {"actions": [{"header_value_match": match}]}


def _exactly(header: str, value: str) -> Manifest:
    return {"name": header, "string_match": {"exact": value}}


def _like(header: str, regex: str) -> Manifest:
    return {"name": header, "string_match": {"safe_regex": {"regex": regex}}}


def _inverted(match: Manifest) -> Manifest:
    """Matches an absent header too, which Envoy matches neither way by default."""
    return {**match, "invert_match": True, "treat_missing_header_as_empty": True}


def retry_after_header(seconds: float) -> Manifest:
    """Retry-After of the lowest rate, at most a minute; the same for all limits. Source: RFC 9110, section 10.2.3."""
    value = {"key": "retry-after", "value": str(min(max(1, math.ceil(seconds)), MAX_RETRY_AFTER_SECONDS))}
    return {"header": value, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
