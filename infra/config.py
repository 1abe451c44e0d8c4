"""Every key of a stack file: type, unit, bound, default. Raw values in, a frozen `StackConfig` out.

A key exists once: what a component takes is the component's own model, embedded here. What the values lead to is
`plan.py`; where they are read from is `program.py` (Pulumi) and `recording/project.py` (files).
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field

from meshed_mcp.components.autoscaling.args import KedaSettings, ScalingSettings
from meshed_mcp.components.core.errors import ConfigurationError, Fault, checked, excerpt, suggestion
from meshed_mcp.components.core.model import In, Model
from meshed_mcp.components.mesh.args import MeshSettings, SecretKey, ServiceSettings
from meshed_mcp.components.observability.args import ObservabilitySettings

NAMESPACE: Final = "meshed-mcp"
"""Configuration namespace: keys are written `meshed-mcp:services:` whatever the project is called."""
