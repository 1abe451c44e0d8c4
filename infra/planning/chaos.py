"""Keys of a stack about faults beyond single services: what kind of stack it is, and its experiments.

Stack keys in, frozen models out. Not here: faults that a request asks for (a service's own key), which experiments run
now (experiments.py).
"""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator

from meshed_mcp.components.mesh.routing.fault_injection_args import FaultInjection, Window, fault_names


class Environment(StrEnum):
    """What a stack is for."""

    PRODUCTION = "production"
    """Real users: faults only inside a window."""

    DEVELOPMENT = "development"
    """Nobody depends on it."""


class Experiment(FaultInjection):
    """A fault that real requests meet, without asking for it, while its window is open."""

    service: str
    """The service whose callers meet it."""

    window: Window
    """When; no experiment is without an end, in any environment."""


Experiments = Annotated[dict[str, Experiment], AfterValidator(fault_names)]
"""Experiments, by name."""
