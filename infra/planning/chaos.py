"""Arguments of chaos experiments: the stack's environment, and fault injection into real requests."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator

from meshed_mcp.components.mesh.routing.fault_injection_args import FaultInjection, Window, fault_names


class Environment(StrEnum):
    """Purpose of a stack."""

    PRODUCTION = "production"
    """Real users: fault injection needs a window."""

    DEVELOPMENT = "development"
    """No real users."""


class Experiment(FaultInjection):
    """Fault injection into real requests while its window is open."""

    service: str
    """Service whose callers get the fault."""

    window: Window
    """Start and end, required in every environment."""


Experiments = Annotated[dict[str, Experiment], AfterValidator(fault_names)]
"""Experiments, by name."""
