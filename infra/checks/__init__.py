"""Judges what a stack registers, before a cluster sees it: schemas, references between objects, our own rules."""

from meshed_mcp.infra.checks.report import Report, check

__all__ = ["Report", "check"]
