"""What a proxy knows of a request that is limited: whose it is, and which tool it calls. Envoy's rate limit actions.

Names of limits in, actions out; the local filter and the shared service read the same. Not here: the filters
(local.py, shared.py).
"""

import math
from collections.abc import Collection
from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization.policy import (
    CALL_METHOD,
    METHOD_HEADER,
    NAME_HEADER,
    REVISION,
    VERSION_HEADER,
)
from meshed_mcp.components.mesh.authorization.tool_policy_args import EVERY_OTHER_TOOL

TOOL: Final = "tool"
UNNAMED: Final = "unnamed"
ORGANIZATION: Final = "organization"
SERVICE: Final = "service"
"""Keys of descriptors."""

TRUE: Final = "true"
NO_ORGANIZATION: Final = "_OTHER"
"""Stands for the organization of tokens without the claim, which so share a limit."""

JWT_METADATA: Final = ("envoy.filters.http.jwt_authn", "payload")
"""Where a proxy keeps the claims of a token that it has verified. Source: istiod, `payload_in_metadata`."""

PLAIN_NAME: Final = "[A-Za-z0-9_./-]+"
"""A tool as one header value: two headers arrive joined by a comma, an encoded one begins with `=?`. A bound on the
length would make the expression too large for Envoy.

Source: MCP 2026-07-28, "Tool Names"; Envoy, HeaderMatcher.
"""

PLAIN_METHOD: Final = "[A-Za-z_/]+"
"""Source: MCP 2026-07-28, schema, names of methods."""

MAX_RETRY_AFTER_SECONDS: Final = 60
"""Longest that a refused client is told to wait."""

Action = Manifest


def of_service(name: str) -> Action:
    """Every request of a service."""
    return {"actions": [{"generic_key": {"descriptor_key": SERVICE, "descriptor_value": name}}]}


def of_organization(claim: str) -> Action:
    """The organization in the verified token; a header of the client is never looked at."""
    name, payload = JWT_METADATA
    path = [{"key": payload}, {"key": claim}]
    found = {"key": name, "path": path}
    source = {"metadata_key": found, "source": "DYNAMIC", "default_value": NO_ORGANIZATION}
    return {"actions": [{"metadata": {"descriptor_key": ORGANIZATION, **source}}]}


def of_tools(tools: Collection[str]) -> list[Action]:
    """Calls of each of `tools`, and requests that may be such calls but do not say so as 2026-07-28 does."""
    if not tools:
        return []
    named = [tool for tool in tools if tool != EVERY_OTHER_TOOL]
    calls = [_exactly(VERSION_HEADER, REVISION), _exactly(METHOD_HEADER, CALL_METHOD)]
    actions = [_matched(TOOL, tool, *calls, _exactly(NAME_HEADER, tool)) for tool in named]
    if EVERY_OTHER_TOOL in tools:
        others = [_inverted(_exactly(NAME_HEADER, tool)) for tool in named]
        actions.append(_matched(TOOL, EVERY_OTHER_TOOL, *calls, _like(NAME_HEADER, PLAIN_NAME), *others))
    return actions + [_matched(UNNAMED, TRUE, *headers) for headers in _unclear(calls)]


def _unclear(calls: list[Manifest]) -> list[list[Manifest]]:
    """Requests whose headers do not say what the server will find in the body; the three exclude each other.

    Servers compare headers and body from REVISION on. Source: MCP 2026-07-28, "Server Validation".
    """
    older = [_exactly(":method", "POST"), _inverted(_exactly(VERSION_HEADER, REVISION))]
    strange_method = [calls[0], _inverted(_like(METHOD_HEADER, PLAIN_METHOD))]
    strange_name = [*calls, _inverted(_like(NAME_HEADER, PLAIN_NAME))]
    return [older, strange_method, strange_name]


def _matched(key: str, value: str, *headers: Manifest) -> Action:
    match = {"descriptor_key": key, "descriptor_value": value, "headers": list(headers)}
    return {"actions": [{"header_value_match": match}]}


def _exactly(header: str, value: str) -> Manifest:
    return {"name": header, "string_match": {"exact": value}}


def _like(header: str, regex: str) -> Manifest:
    return {"name": header, "string_match": {"safe_regex": {"regex": regex}}}


def _inverted(match: Manifest) -> Manifest:
    """An absent header counts as another value; without being told so, Envoy matches it neither way."""
    return {**match, "invert_match": True, "treat_missing_header_as_empty": True}


def retry_after(seconds: float) -> Manifest:
    """Whole seconds after which the slowest limit lets a request through, of a slow one a minute: which of the limits
    it was, the header cannot say. Source: RFC 9110, section 10.2.3.
    """  # noqa: D205 - one sentence
    value = {"key": "retry-after", "value": str(min(max(1, math.ceil(seconds)), MAX_RETRY_AFTER_SECONDS))}
    return {"header": value, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
