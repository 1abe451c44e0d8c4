"""What replicas of a service must share, because a later request may reach another one: keys, and news of changes.

What a service says it uses in, whether that needs a shared part out. Not here: the variables that carry the parts
(container.py), what the runtime does with them (meshed_mcp.contract names them for both sides).
"""

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import Final

from meshed_mcp import contract


class SharedUse(StrEnum):
    """Something of MCP that outlives one request."""

    REQUEST_STATE = "request-state"
    """Calls in several rounds: a tool asks its caller back, and the answer may reach another replica.
    Source: MCP 2026-07-28, "Multi Round-Trip Requests"."""

    SUBSCRIPTIONS = "subscriptions"
    """News of changed tools, prompts and resources: a listener is connected to one replica, the change happens on
    another. Source: MCP 2026-07-28, "Subscriptions"."""

    DATABASE = "database"
    """Data of its own, such as documents or users: without a database that all replicas share, each pod keeps a file.
    """


PARTS: Final = {
    SharedUse.REQUEST_STATE: "request_state",
    SharedUse.SUBSCRIPTIONS: "redis",
    SharedUse.DATABASE: f"secret_env.{contract.ENV_DATABASE_URL}",
}
"""Use -> field that names the Secret of what is shared for it; for a database a variable of the service itself."""

_REASONS: Final = {
    SharedUse.REQUEST_STATE: "would each seal with a key of their own, so a second round fails on all but one",
    SharedUse.SUBSCRIPTIONS: "would each notify their own listeners only",
    SharedUse.DATABASE: "would each answer from their own data",
}


def missing_parts(
    shared_state: Sequence[SharedUse], given: object, variables: Collection[str]
) -> Iterator[tuple[int, str, str]]:
    """Number in `shared_state`, the field that is unset, and why several replicas need it.

    The field is one of `given`; the database is among the service's `variables`.
    """
    for number, use in enumerate(shared_state):
        database = use is SharedUse.DATABASE
        if contract.ENV_DATABASE_URL not in variables if database else getattr(given, PARTS[use]) is None:
            yield number, PARTS[use], _REASONS[use]
