"""Extended resources of a container, such as GPUs: whole numbers under names with a domain."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator

from meshed_mcp.components.core.names import DNS_NAME
from meshed_mcp.error_codes import pod as codes
from meshed_mcp.error_codes.code import raise_all

_NAME: Final = re.compile(rf"{DNS_NAME}/[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_COUNT: Final = re.compile(r"[1-9][0-9]{0,8}")


def amounts(values: dict[str, Any]) -> dict[str, str]:
    """Amounts as text, as the API server returns them. Source: Kubernetes, "Extended resources"."""
    raise_all(
        codes.INVALID_EXTENDED_RESOURCE.message(name=name, shown=repr(value))
        for name, value in values.items()
        if isinstance(value, bool) or not _NAME.fullmatch(name) or not _COUNT.fullmatch(str(value))
    )
    return {name: str(value) for name, value in values.items()}


ExtendedResources = Annotated[dict[str, int | str | float], AfterValidator(amounts)]
"""Name -> amount."""


def collected(raw: Any) -> Any:
    """Raw resources with the names that have a domain moved into `extended`."""
    if not isinstance(raw, Mapping):
        return raw
    named = {key: value for key, value in raw.items() if "/" in str(key)}
    given = raw.get("extended", {})
    if not named or not isinstance(given, Mapping):
        return raw
    return {**{key: value for key, value in raw.items() if key not in named}, "extended": {**named, **given}}
