"""Recordings of what the unmodified program registers for a stack, for rendering, checks, the local run and tests."""

from meshed_mcp.infra.recording.recorder import Recording, Registration, record, record_program

__all__ = ["Recording", "Registration", "record", "record_program"]
