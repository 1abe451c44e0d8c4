"""How the services of a stack use its nodes: priority, spot, images to pull ahead, the size of one place held free.

Configuration in, arguments of services and of autoscaling out. Not here: the objects, which
`components/autoscaling/nodes/manifests.py` and `components/mesh/service/scheduling.py` make.
"""

from math import ceil
from typing import Any

from meshed_mcp.components.autoscaling.profiles import Profile
from meshed_mcp.components.core.node_labels import SERVICE_PRIORITY_CLASS
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes
from meshed_mcp.components.mesh.routing.rollout_args import NoRollout
from meshed_mcp.components.mesh.service.scheduling_args import Scheduling
from meshed_mcp.infra.config import ServiceConfig, StackConfig
from meshed_mcp.infra.validation.budgets import requests_of


def scheduling(config: StackConfig, item: ServiceConfig) -> Scheduling:
    """Where the pods of a service run; up to the cluster where the stack says nothing of nodes."""
    if config.nodes is None:
        return Scheduling()
    # After so long without a request a session is forgotten: by then a replica that gets no new ones is empty.
    seconds = item.limits.session_idle_seconds if item.scaling.profile is Profile.SESSION else None
    return Scheduling(
        priority_class=SERVICE_PRIORITY_CLASS, interruptible=item.scaling.on_spot, undisturbed_seconds=seconds
    )


def node_args(config: StackConfig) -> dict[str, Any]:
    """What AutoscalingPolicy takes about nodes."""
    if config.nodes is None:
        return {}
    sizes = [requests_of(item, config.mesh.proxy) for item in config.services.values()]
    cpu = max(sum(map(cpu_millicores, size.cpu)) for size in sizes)
    memory = max(sum(map(memory_bytes, size.memory)) for size in sizes)
    return {
        "nodes": config.nodes,
        "images": images(config),
        "largest_cpu": f"{cpu}m",
        "largest_memory": f"{ceil(memory / 2**20)}Mi",
    }


def images(config: StackConfig) -> list[Any]:
    """Every image of the services, once; those of a second version too, since it is about to get calls."""
    found = [image for item in config.services.values() for image in (item.image, second_image(item))]
    return list(dict.fromkeys(image for image in found if image is not None))


def second_image(item: ServiceConfig) -> Any:
    """Image of the second version of a rollout, or None."""
    return None if isinstance(item.rollout, NoRollout) else item.rollout.image
