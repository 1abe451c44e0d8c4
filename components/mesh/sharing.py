"""What replicas of a service must share, because a later request may reach another one: keys, and news of changes.

What a service says it uses in, whether that needs a shared part out. Not here: the variables that carry the parts
(container.py), what the runtime does with them (meshed_mcp.contract names them for both sides).
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final


class SharedUse(StrEnum):
    """Something of MCP that outlives one request."""

    REQUEST_STATE = "request-state"
    """Calls in several rounds: a tool asks its caller back, and the answer may reach another replica.
    Source: MCP 2026-07-28, "Multi Round-Trip Requests"."""

    SUBSCRIPTIONS = "subscriptions"
    """News of changed tools, prompts and resources: a listener is connected to one replica, the change happens on
    another. Source: MCP 2026-07-28, "Subscriptions"."""


PARTS: Final = {SharedUse.REQUEST_STATE: "request_state", SharedUse.SUBSCRIPTIONS: "redis"}
"""Use -> field that names the Secret of what is shared for it."""

_REASONS: Final = {
    SharedUse.REQUEST_STATE: "would each seal with a key of their own, so a second round fails on all but one",
    SharedUse.SUBSCRIPTIONS: "would each tell their own listeners only",
}


def missing_parts(uses: Sequence[SharedUse], given: object) -> Iterator[tuple[int, str, str]]:
    """Number in `uses`, the field of `given` that is unset, and why several replicas need it."""
    for number, use in enumerate(uses):
        if getattr(given, PARTS[use]) is None:
            yield number, PARTS[use], _REASONS[use]
