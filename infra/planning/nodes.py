"""Node settings of a stack's services: priority, spot, images to pre-pull, size of the buffer."""

from math import ceil
from typing import Any

from meshed_mcp.components.autoscaling.profiles import Profile
from meshed_mcp.components.core.node_labels import SERVICE_PRIORITY_CLASS
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes
from meshed_mcp.components.mesh.service.scheduling import Scheduling
from meshed_mcp.infra.config import ServiceConfig, StackConfig
from meshed_mcp.infra.planning.bridge import bridge_image
from meshed_mcp.infra.validation.budgets import stack_requests


def scheduling(config: StackConfig, item: ServiceConfig) -> Scheduling:
    """Scheduling of a service's pods; defaults without `nodes`."""
    if config.nodes is None:
        return Scheduling()
    # A session ends after this idle time, so a replica without new sessions is empty by then.
    seconds = item.limits.session_idle_seconds if item.scaling.profile is Profile.SESSION else None
    return Scheduling(
        priority_class=SERVICE_PRIORITY_CLASS, interruptible=item.scaling.on_spot, undisturbed_seconds=seconds
    )


def node_args(config: StackConfig) -> dict[str, Any]:
    """Arguments of AutoscalingPolicy about nodes."""
    if config.nodes is None:
        return {}
    sizes = [stack_requests(config, item) for item in config.services.values()]
    cpu = max(sum(map(cpu_millicores, size.cpu)) for size in sizes)
    memory = max(sum(map(memory_bytes, size.memory)) for size in sizes)
    return {
        "nodes": config.nodes,
        "images": images(config),
        "largest_cpu": f"{cpu}m",
        "largest_memory": f"{ceil(memory / 2**20)}Mi",
    }


def images(config: StackConfig) -> list[Any]:
    """Distinct images of the services, their second versions and bridges."""
    second = {name: getattr(item.rollout, "image", None) for name, item in config.services.items()}
    found = [
        image
        for name, item in config.services.items()
        for image in (item.image, second[name], bridge_image(config, item))
    ]
    return list(dict.fromkeys(image for image in found if image is not None))
