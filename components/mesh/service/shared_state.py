"""State that the replicas of a service share, and the Secrets that each kind of it needs."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from meshed_mcp import contract


class SharedState(StrEnum):
    """State that outlives a request, which another replica may continue."""

    REQUEST_STATE = "request-state"
    """State of multi-round-trip requests, such as elicitation. Source: MCP 2026-07-28, "Multi Round-Trip Requests"."""

    SUBSCRIPTIONS = "subscriptions"
    """Notifications of changed tools, prompts and resources. Source: MCP 2026-07-28, "Subscriptions"."""

    DATABASE = "database"
    """Data of the service, such as documents or users; without a shared database each pod keeps a file."""


SECRET_FIELDS: Final = {
    SharedState.REQUEST_STATE: "request_state",
    SharedState.SUBSCRIPTIONS: "redis",
    SharedState.DATABASE: "database",
}
"""Kind of state -> field that names its Secret."""

_VARIABLES: Final = {
    SharedState.REQUEST_STATE: contract.ENV_REQUEST_STATE_KEYS,
    SharedState.SUBSCRIPTIONS: contract.ENV_REDIS_URL,
    SharedState.DATABASE: contract.ENV_DATABASE_URL,
}

_REASONS: Final = {
    SharedState.REQUEST_STATE: "would each seal with a key of their own, so a second round fails on all but one",
    SharedState.SUBSCRIPTIONS: "would each notify their own listeners only",
    SharedState.DATABASE: "would each answer from their own data",
}


def is_in_environment(use: SharedState, variables: Collection[str]) -> bool:
    """Whether variables of the service set it: a file of a volume, such as one of the CSI driver, or a plain URL."""
    variable = _VARIABLES[use]
    return f"{variable}{contract.FILE_SUFFIX}" in variables or variable in variables


def missing_shared_secrets(
    shared_state: Sequence[SharedState], secrets: Mapping[SharedState, object], variables: Collection[str]
) -> Iterator[tuple[int, str, str]]:
    """Index in `shared_state`, the field of the missing Secret, and why several replicas need it."""
    for number, use in enumerate(shared_state):
        if secrets[use] is None and not is_in_environment(use, variables):
            yield number, SECRET_FIELDS[use], _REASONS[use]
