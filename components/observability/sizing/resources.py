"""Resources of monitoring's containers: CPU and memory, volume claims, security context."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes


def plain_number_as_text(value: object) -> object:
    """A number as text, because YAML reads whole cores as a number."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def checked_cpu(text: str) -> str:
    """`text` unchanged, if it is a CPU quantity. Raises ValueError with what to set instead."""
    cpu_millicores(text)
    return text


def checked_memory(text: str) -> str:
    """`text` unchanged, if it is a memory quantity. Raises ValueError with what to set instead."""
    memory_bytes(text)
    return text


class Reservation(Model):
    """Resources of one container. There is no CPU limit, because it throttles even on an idle node."""

    cpu: Annotated[str, BeforeValidator(plain_number_as_text), AfterValidator(checked_cpu)]
    """CPU request, such as "250m" or "2"."""

    memory: Annotated[str, BeforeValidator(plain_number_as_text), AfterValidator(checked_memory)]
    """Memory request and limit, such as "512Mi"."""


def container_resources(reserved: Reservation) -> Manifest:
    """The `resources` field of a container or of a chart's values."""
    return {"requests": {"cpu": reserved.cpu, "memory": reserved.memory}, "limits": {"memory": reserved.memory}}


def volume_claim(storage_gib: int, storage_class: str | None) -> Manifest:
    """A ReadWriteOnce volume claim; None = the cluster's default StorageClass."""
    chosen = {} if storage_class is None else {"storageClassName": storage_class}
    size = {"requests": {"storage": f"{storage_gib}Gi"}}
    return {"spec": {**chosen, "accessModes": ["ReadWriteOnce"], "resources": size}}


def restricted_pod(user_id: int) -> Manifest:
    """Security context of a pod under the restricted Pod Security Standard, with the image's user."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user_id,
        "runAsGroup": user_id,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
