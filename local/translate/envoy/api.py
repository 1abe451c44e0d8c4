"""Common messages of the Envoy API v3: typed messages, addresses, durations."""

from typing import Any, Final

from meshed_mcp.local.translate.objects.fields import seconds
from meshed_mcp.local.translate.objects.virtual_service import StringMatch

Message = dict[str, Any]
"""A protobuf message in its JSON form."""

_TYPE: Final = "type.googleapis.com/envoy"


def typed(message: str, **fields: Any) -> Message:
    """An `Any` of type `envoy.<message>`."""
    return {"@type": f"{_TYPE}.{message}", **fields}


def extension(name: str, message: str, **fields: Any) -> Message:
    """A named extension with its configuration."""
    return {"name": name, "typed_config": typed(message, **fields)}


def socket_address(address: str, port: int) -> Message:
    """A TCP address."""
    return {"socket_address": {"address": address, "port_value": port}}


def duration(go_duration: str) -> str:
    """A Go duration in the JSON form of protobuf."""
    return f"{seconds(go_duration):.3f}s"


def string_matcher(match: StringMatch, exact: str = "exact") -> Message:
    """Envoy's StringMatcher; `exact` names its field for an exact match. Source: Istio StringMatch; both use RE2."""
    if match.regex is not None:
        return {"safe_regex": {"regex": match.regex}}
    return {"prefix": match.prefix} if match.prefix is not None else {exact: match.exact}


def present(**fields: Any) -> Message:
    """The fields that are not None; Envoy has a default for the others."""
    return {name: value for name, value in fields.items() if value is not None}
