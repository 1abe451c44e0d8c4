"""How long a stop may take, from the calls that it must not cut: raw settings in, the same with a grace period out.

Only where the stack names none. Not here: what a stop does with the time (meshed_mcp.agents), bounds of the values
(`container_args.py`, `limits_args.py`).
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

from pydantic import BaseModel

from meshed_mcp import contract
from meshed_mcp.components.core.args import camel
from meshed_mcp.components.mesh.service.container_args import MOST_GRACE_SECONDS, Drain


def with_grace(raw: Any) -> Any:
    """`raw` settings of a service, their grace period long enough for the longest call that they name."""
    drain = written(raw, "drain", {})
    longest = max((seconds for seconds in deadlines(raw)), default=0)
    if not longest or not isinstance(drain, Mapping | BaseModel) or written(drain, "grace_seconds", None) is not None:
        return raw
    endpoint = whole(written(drain, "pre_stop_delay_seconds", Drain().pre_stop_delay_seconds))
    needed = max(Drain().grace_seconds, longest + endpoint + ceil(contract.CLOSING_SECONDS))
    given = dict(drain) if isinstance(drain, Mapping) else drain.model_dump(exclude_unset=True)
    return {**raw, "drain": {**given, "grace_seconds": min(needed, MOST_GRACE_SECONDS)}}


def deadlines(raw: Any) -> list[int]:
    """The longest calls that a service and its pools name, seconds."""
    pools = written(raw, "pools", {})
    holders = [written(raw, "limits", {}), *(pools.values() if isinstance(pools, Mapping) else ())]
    return [seconds for holder in holders if (seconds := whole(written(holder, "call_seconds", None)))]


def written(holder: Any, field: str, default: Any) -> Any:
    """A field's value where somebody wrote one, in either of its spellings."""
    if isinstance(holder, BaseModel):
        return getattr(holder, field) if field in holder.model_fields_set else default
    if isinstance(holder, Mapping):
        return next((holder[name] for name in (field, camel(field)) if name in holder), default)
    return default


def whole(value: Any) -> int:
    """The value, if it is a whole number; what is none is refused by its model, in its words."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
