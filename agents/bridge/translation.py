"""Messages between two protocol eras: what a request to the upstream and its result to the client must have.

Pure functions on decoded JSON. Equal eras change only what belongs to one connection: progress token and version.
"""

from collections.abc import Mapping
from typing import Any, Final

import mcp_types
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
    mcp_param_headers,
    x_mcp_header_map,
)
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types.methods import CACHEABLE_METHODS

from meshed_mcp.agents.bridge.negotiation import Facts, Identity, modern_meta

PROGRESS_TOKEN: Final = "progressToken"  # noqa: S105 - a field of the protocol
ROUND_KEYS: Final = ("inputResponses", "requestState")
ENVELOPE: Final = frozenset(
    {
        mcp_types.PROTOCOL_VERSION_META_KEY,
        mcp_types.CLIENT_INFO_META_KEY,
        mcp_types.CLIENT_CAPABILITIES_META_KEY,
        mcp_types.LOG_LEVEL_META_KEY,
    }
)
"""Keys of `_meta` that only requests of 2026-07-28 have."""

UNCACHED: Final = {"ttlMs": 0, "cacheScope": "private"}
"""Cache hints of a result whose server states none. Source: MCP 2026-07-28, "Caching": 0 is stale at once."""


def upstream_params(
    params: Mapping[str, Any] | None, facts: Facts, identity: Identity, *, log_level: str | None = None
) -> dict[str, Any] | None:
    """Return the parameters for the upstream. The dispatcher adds its own progress token and trace context."""
    found = dict(params or {})
    meta = {key: value for key, value in (found.pop("_meta", None) or {}).items() if key != PROGRESS_TOKEN}
    if facts.is_modern:
        level = {} if log_level is None else {mcp_types.LOG_LEVEL_META_KEY: log_level}
        meta = {**level, **modern_meta(facts.version, identity), **meta}
        meta[mcp_types.PROTOCOL_VERSION_META_KEY] = facts.version
    else:
        meta = {key: value for key, value in meta.items() if key not in ENVELOPE}
        found = {key: value for key, value in found.items() if key not in ROUND_KEYS}
    if meta:
        found["_meta"] = meta
    return found or (None if params is None else {})


def upstream_headers(method: str, params: Mapping[str, Any] | None, facts: Facts, schema: Any = None) -> dict[str, str]:
    """Return the HTTP headers of a request; `schema` is the called tool's input schema, if it is known.

    Source: MCP 2026-07-28, "Streamable HTTP", "Standard Headers" and "Custom Headers".
    """
    headers = {MCP_PROTOCOL_VERSION_HEADER: facts.version}
    if not facts.is_modern:
        return headers
    headers[MCP_METHOD_HEADER] = method
    name = (params or {}).get(NAME_BEARING_METHODS.get(method, ""))
    if isinstance(name, str):
        headers[MCP_NAME_HEADER] = encode_header_value(name)
    arguments = (params or {}).get("arguments")
    if schema is not None and isinstance(arguments, Mapping):
        headers |= mcp_param_headers(x_mcp_header_map(schema), arguments)
    return headers


def client_result(
    method: str, result: Mapping[str, Any], facts: Facts, *, is_modern: bool, server: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the result for the client; `server` is the identity of the upstream, if it states one."""
    found = dict(result)
    meta = dict(found.get("_meta") or {})
    if is_modern:
        if not facts.is_modern:
            found = {"resultType": "complete", **(UNCACHED if method in CACHEABLE_METHODS else {}), **found}
        if server is not None and meta.get(mcp_types.SERVER_INFO_META_KEY) is None:
            meta[mcp_types.SERVER_INFO_META_KEY] = dict(server)
    else:
        meta.pop(mcp_types.SERVER_INFO_META_KEY, None)
    if meta:
        found["_meta"] = meta
    elif "_meta" in found:
        del found["_meta"]
    return found


def with_subscription(params: Mapping[str, Any] | None, stream: str | int | None) -> dict[str, Any]:
    """Return a change notification's parameters for a stream of the client; None for a client without streams."""
    found = dict(params or {})
    meta = {key: value for key, value in (found.pop("_meta", None) or {}).items() if key != SUBSCRIPTION_ID_META_KEY}
    if stream is not None:
        meta[SUBSCRIPTION_ID_META_KEY] = stream
    return {**found, "_meta": meta} if meta else found


def allows_log(requested: object, level: object) -> bool:
    """Whether a client of 2026-07-28 that requested logs from `requested` on gets one of `level`."""
    order: tuple[str, ...] = LOG_LEVELS
    return requested in order and level in order and order.index(str(level)) >= order.index(str(requested))


LOG_LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""Ascending. Source: RFC 5424, section 6.2.1; MCP, "Logging", "Log Levels"."""
