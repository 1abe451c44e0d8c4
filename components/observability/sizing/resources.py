"""CPU and memory of one part of monitoring: checked quantities in, the `resources` field of its container out.

Not here: MCP servers, whose memory limit is a field of its own (`mesh/service/container_args.py`).
"""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes


def plain_number_as_text(value: object) -> object:
    """`2` as "2": YAML reads whole cores as a number."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def checked_cpu(text: str) -> str:
    """`text` as it is, if it is a CPU quantity. Raises ValueError with what to write instead."""
    cpu_millicores(text)
    return text


def checked_memory(text: str) -> str:
    """`text` as it is, if it is a memory quantity. Raises ValueError with what to write instead."""
    memory_bytes(text)
    return text


class Reservation(Model):
    """What one container of monitoring gets. CPU is not limited: a limit throttles while the node idles."""

    cpu: Annotated[str, BeforeValidator(plain_number_as_text), AfterValidator(checked_cpu)]
    """CPU request: "250m", "2"."""

    memory: Annotated[str, BeforeValidator(plain_number_as_text), AfterValidator(checked_memory)]
    """Memory request and limit at once, "512Mi": the node has then promised all that the container may use."""


def container_resources(reserved: Reservation) -> Manifest:
    """The `resources` field of a container or of a chart's values."""
    return {
        "requests": {"cpu": reserved.cpu, "memory": reserved.memory},
        "limits": {"memory": reserved.memory},
    }
