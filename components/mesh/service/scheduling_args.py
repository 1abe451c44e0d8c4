"""Where and how firmly a service's pods run on nodes. Values in, a frozen model out; its use is in scheduling.py."""

from pydantic import Field

from meshed_mcp.components.core.args import Model


class Scheduling(Model):
    """The place of a service's pods in the cluster; the default leaves it to the cluster."""

    priority_class: str | None = None
    """PriorityClass of the pods; the cluster's default if unset."""

    interruptible: bool | None = None
    """True = pods prefer nodes that the cloud may take back within minutes (spot), False = they avoid them; unset =
    the cluster decides."""

    undisturbed_seconds: int | None = Field(default=None, ge=1, le=86_400)
    """How long a pod, once it runs, keeps its node from being emptied to save cost. Unset = not at all."""
