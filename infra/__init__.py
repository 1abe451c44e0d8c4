"""The program: a stack file becomes components (config -> plan -> program), and can be recorded, checked, rendered."""

from meshed_mcp.infra.program import deploy

__all__ = ["deploy"]
