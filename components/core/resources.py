"""CPU and memory of one container: checked quantities in, the `resources` field of a container out.

Quantities are text ("250m", "512Mi") as everywhere in Kubernetes.
Memory without a unit is refused: it would be bytes.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.model import Model

CPU_PATTERN: Final = re.compile(r"(\d+m|\d+(\.\d{1,3})?)")
MEMORY_PATTERN: Final = re.compile(r"[1-9]\d*(Ki|Mi|Gi|Ti)")
"""Source of both: Kubernetes, "Resource Management for Pods and Containers", less the forms that are mistaken often."""


def checked_cpu(text: str) -> str:
    """`text` if it is cores ("2", "0.5") or millicores ("250m") and more than none. Raises ValueError."""
    if CPU_PATTERN.fullmatch(text) is None or float(text.removesuffix("m")) == 0:
        raise ValueError(f'{text!r} is no CPU quantity. Write cores such as "2" or "0.5", or millicores such as "250m"')
    return text


def checked_memory(text: str) -> str:
    """`text` if it is a whole number with a binary unit ("512Mi", "2Gi"). Raises ValueError."""
    if MEMORY_PATTERN.fullmatch(text) is None:
        raise ValueError(f'{text!r} is no memory quantity. Write a whole number and Ki, Mi, Gi or Ti, such as "512Mi"')
    return text


CpuQuantity = Annotated[str, AfterValidator(checked_cpu)]
MemoryQuantity = Annotated[str, AfterValidator(checked_memory)]


class Resources(Model):
    """What one container asks for."""

    cpu: CpuQuantity
    """CPU request in cores or millicores; the autoscaler's percentage is of this."""

    memory: MemoryQuantity
    """Memory, requested and limit at once: a pod is then never killed for memory that the node had promised to it."""

    cpu_limit: CpuQuantity | None = None
    """CPU limit; none by default, because a limit throttles while the node idles."""


def container_resources(resources: Resources) -> Manifest:
    """The `resources` field of a container or of a chart's values."""
    limits = {"memory": resources.memory} | ({"cpu": resources.cpu_limit} if resources.cpu_limit else {})
    return {"requests": {"cpu": resources.cpu, "memory": resources.memory}, "limits": limits}
