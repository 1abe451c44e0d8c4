"""Settings of a service that say which MCP server runs, and how the pod reaches it."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from meshed_mcp import contract
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.mesh.service import validation


class Runtime(StrEnum):
    """What serves the MCP endpoint of an image."""

    MESHED = "meshed"
    """This package's runtime, in the image."""

    EXTERNAL = "external"
    """Another MCP server over HTTP, as it is."""


class Transport(StrEnum):
    """Transport of the server in the image or package. Source: MCP specification, "Transports"."""

    HTTP = "http"
    STDIO = "stdio"


class ServerKind(StrEnum):
    """What runs in the pod of a service; derived from its settings."""

    MESHED = "meshed"
    """One container: a server with this package's runtime."""

    EXTERNAL = "external"
    """One container: another HTTP server, without the runtime."""

    BRIDGED_HTTP = "bridged-http"
    """The bridge, and another HTTP server on the loopback address."""

    STDIO_IMAGE = "stdio-image"
    """The bridge, and an image whose command the launcher starts."""

    STDIO_PACKAGE = "stdio-package"
    """The bridge, which starts the command of a package."""

    REMOTE = "remote"
    """The bridge alone, in front of a server outside the cluster."""


class SourceSettings(Model):
    """Which MCP server runs: an image, a package or a remote URL."""

    image: In[str]
    """Container image. It must run as a numeric non-root user on a read-only root file system."""

    command: list[str] = Field(default_factory=list)
    """Command of the container; empty = the entry point of the image. Required with `transport: stdio` and `image`."""

    args: list[str] = Field(default_factory=list)
    """Arguments of the command; empty = those of the image."""

    runtime: Runtime = Runtime.MESHED
    """Server in the image: `meshed` = this package's runtime, `external` = any other HTTP server."""

    transport: Transport = Transport.HTTP
    """Transport of the server: `http`, or `stdio` with the bridge in front."""

    port: int = Field(default=contract.MCP_PORT, ge=1, le=65535)
    """Port that an external HTTP server listens on."""

    path: Annotated[str, AfterValidator(validation.endpoint_path)] = contract.MCP_PATH
    """Path of the endpoint; only it and its subpaths are reachable."""

    @property
    def kind(self) -> ServerKind:
        """What runs in the pod."""
        if self.transport is Transport.STDIO:
            return ServerKind.STDIO_IMAGE
        return ServerKind.EXTERNAL if self.runtime is Runtime.EXTERNAL else ServerKind.MESHED

    @property
    def has_runtime(self) -> bool:
        """Whether this package's runtime serves the endpoint, as the server itself or as the bridge.

        Without it, only the sidecar's metrics exist: no series of tools, sessions, tokens or queues.
        """
        return self.kind is not ServerKind.EXTERNAL
