"""Recordings of what the unmodified program registers for a stack, for rendering, checks, the local run and tests."""

from meshed_mcp.infra.recording.recorder import record, record_program
from meshed_mcp.infra.recording.registration import Recording, Registration

__all__ = ["Recording", "Registration", "record", "record_program"]
