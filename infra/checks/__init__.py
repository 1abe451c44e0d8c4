"""Static checks of the objects that a stack registers: schemas, references between objects, rules."""

from meshed_mcp.infra.checks.report import Report, check

__all__ = ["Report", "check"]
