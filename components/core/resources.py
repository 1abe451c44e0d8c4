"""CPU and memory of a container that we did not write: checked quantities in, the `resources` field out.

For the platform's own parts (Prometheus, Grafana, Jaeger), where the memory limit equals the request. Not here: MCP
servers (`mesh/args.py`), what a quantity may be (`quantity.py`).
"""

from typing import Annotated

from pydantic import AfterValidator

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.model import Model
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes


def checked_cpu(text: str) -> str:
    """`text` as it is, if it is a CPU quantity. Raises ValueError with what to write instead."""
    cpu_millicores(text)
    return text


def checked_memory(text: str) -> str:
    """`text` as it is, if it is a memory quantity. Raises ValueError with what to write instead."""
    memory_bytes(text)
    return text


class Resources(Model):
    """What one container asks for. CPU is not limited: a limit throttles while the node idles."""

    cpu: Annotated[str, AfterValidator(checked_cpu)]
    """CPU request, "250m" or "2"."""

    memory: Annotated[str, AfterValidator(checked_memory)]
    """Memory request and limit at once, "512Mi": the node has then promised all that the container may use."""


def container_resources(resources: Resources) -> Manifest:
    """The `resources` field of a container or of a chart's values."""
    return {
        "requests": {"cpu": resources.cpu, "memory": resources.memory},
        "limits": {"memory": resources.memory},
    }
