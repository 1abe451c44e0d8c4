"""The bridge of a stack's services: its image by the kind of server, its size, and validation of both."""

from collections.abc import Iterator
from typing import Any

from meshed_mcp.components.autoscaling.args import wants_vpa
from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.mesh.service.limits_args import validate_limits
from meshed_mcp.components.mesh.service.package_args import package_of
from meshed_mcp.components.mesh.service.remote_url import remote_host
from meshed_mcp.error_codes import service as codes
from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.infra.config import NAMESPACE, Environment, ServiceConfig, StackConfig


def image_field(item: ServiceConfig) -> str:
    """Key of `bridge` with the image that the service runs."""
    return "image" if item.package is None else f"{package_of(item.package).registry}_image"


def bridge_image(config: StackConfig, item: ServiceConfig) -> Any:
    """Image of the bridge that the service runs; None without the bridge."""
    return getattr(config.bridge, image_field(item)) if item.has_bridge else None


def bridge_args(config: StackConfig, item: ServiceConfig) -> dict[str, Any]:
    """Arguments of a service about its bridge."""
    return {"bridge_image": bridge_image(config, item), "bridge_resources": config.bridge.resources}


def bridge_issues(config: StackConfig, name: str, item: ServiceConfig) -> Iterator[ConfigIssue]:
    """A bridge without an image or too small for the limits, and a remote server over plain HTTP in production."""
    where = f"service {name}"
    if item.has_bridge and bridge_image(config, item) is None:
        key = f"{NAMESPACE}:bridge.{image_field(item)}"
        yield ConfigIssue(where, "", codes.BRIDGE_IMAGE_MISSING.message(key=key))
    if item.has_upstream:
        try:
            validate_limits(item.limits, item.drain, config.bridge.resources)
        except MessageError as error:
            yield from (ConfigIssue(where, "", message) for message in error.messages)
        for place, scaling in {"scaling": item.scaling, **pool_scaling(item)}.items():
            if wants_vpa(scaling):
                yield ConfigIssue(where, f"{place}.right_sizing.mode", codes.SIDECAR_NOT_RIGHT_SIZED.message())
    yield from url_issues(config, where, item)


def pool_scaling(item: ServiceConfig) -> dict[str, Any]:
    """Field -> scaling of each pool."""
    return {f"pools.{name}.scaling": pool.scaling for name, pool in item.pools.items()}


def url_issues(config: StackConfig, where: str, item: ServiceConfig) -> Iterator[ConfigIssue]:
    """A remote server over plain HTTP, which only development allows, and an egress gateway never."""
    if item.url is None or not remote_host(item.url).plain:
        return
    if config.environment is not Environment.DEVELOPMENT:
        message = codes.REMOTE_URL_IN_PLAINTEXT.message(value=item.url, key=f"{NAMESPACE}:environment")
        yield ConfigIssue(where, "url", message)
    elif config.mesh.egress_gateway is not None:
        message = codes.PLAIN_URL_BEHIND_GATEWAY.message(value=item.url, key=f"{NAMESPACE}:mesh.egress_gateway")
        yield ConfigIssue(where, "url", message)
