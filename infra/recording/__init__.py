"""What the unmodified program registers for a stack, recorded in process, without the Pulumi command line or a cluster.

Rendering, checking, the local run and most tests work on this one thing.
"""

from meshed_mcp.infra.recording.recorder import record, record_program
from meshed_mcp.infra.recording.registration import Recording, Registration

__all__ = ["Recording", "Registration", "record", "record_program"]
