"""Settings of a service that say which MCP server runs, and how the pod reaches it."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from meshed_mcp import contract
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.mesh.service import validation
from meshed_mcp.components.mesh.service.package_args import package_reference
from meshed_mcp.components.mesh.service.remote_url import remote_url
from meshed_mcp.components.mesh.service.upstream_args import OutboundAuth, Probes, StdioSettings


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

    image: In[str] | None = None
    """Container image. It must run as a numeric non-root user on a read-only root file system. Set exactly one of
    `image`, `package` and `url`."""

    package: Annotated[str, AfterValidator(package_reference)] | None = None
    """Package of a stdio server without an image, with its exact version: `npm:NAME@VERSION` or `pypi:NAME==VERSION`.
    Each pod installs it at its start, and may reach the public registry for it. For a mirror, set `npm_config_registry`
    or `UV_DEFAULT_INDEX` in `env` and list its host in `egress_hosts`. `npm_config_before` or `UV_EXCLUDE_NEWER` there
    keep its dependencies at a date."""

    url: Annotated[str, AfterValidator(remote_url)] | None = None
    """URL of a remote MCP server over HTTPS, by host name; the pods run the bridge alone. `egress_hosts` need not list
    the host. Plain HTTP needs `environment: development`."""

    command: list[str] = Field(default_factory=list)
    """Command of the container; empty = the entry point of the image. Required with `transport: stdio` and `image`.
    With `package`, the name of its executable: empty = as `npx` and `uvx` choose it."""

    args: list[str] = Field(default_factory=list)
    """Arguments of the command; empty = those of the image."""

    runtime: Runtime = Runtime.MESHED
    """Server in the image: `meshed` = this package's runtime, `external` = any other server over HTTP, which must
    listen on all addresses of the pod, or on loopback alone with `bridge: true`."""

    transport: Transport | None = None
    """Transport of the server: `http`, or `stdio` with the bridge in front. Unset = `http`; `stdio` for a `package`."""

    stdio: StdioSettings | None = None
    """Processes of a stdio server; unset = one per session, at most 20 per replica."""

    bridge: bool | None = None
    """True = the bridge runs in front of an external HTTP server and adds metrics, traces, limits, drain, tool policy
    and both protocol eras. Unset = false; stdio servers, packages and remote servers always have it."""

    port: int | None = Field(default=None, ge=1, le=65535)
    """Port that an external HTTP server listens on; unset = 8000. Required with `bridge: true`. Clients use port 8000
    of the Service."""

    path: Annotated[str, AfterValidator(validation.endpoint_path), Field(max_length=256)] = contract.MCP_PATH
    """Path of the endpoint, and of the server behind `bridge: true`; only it and its subpaths are reachable. `/` is
    possible with `runtime: external` without the bridge."""

    probes: Probes | None = None
    """Probes of an external server without the bridge: `tcp`, `none`, or `{http: /healthz}`. Unset = `tcp`."""

    outbound_auth: OutboundAuth | None = None
    """Credentials that the bridge sends to the server of `url`, or to the server behind `bridge: true`."""

    @property
    def kind(self) -> ServerKind:
        """What runs in the pod."""
        if self.url is not None:
            return ServerKind.REMOTE
        if self.package is not None:
            return ServerKind.STDIO_PACKAGE
        if self.transport is Transport.STDIO:
            return ServerKind.STDIO_IMAGE
        if self.runtime is Runtime.EXTERNAL:
            return ServerKind.BRIDGED_HTTP if self.bridge else ServerKind.EXTERNAL
        return ServerKind.MESHED

    @property
    def has_runtime(self) -> bool:
        """Whether this package's runtime serves the endpoint, as the server itself or as the bridge.

        Without it, only the sidecar's metrics exist: no series of tools, sessions, tokens or queues.
        """
        return self.kind is not ServerKind.EXTERNAL

    @property
    def has_bridge(self) -> bool:
        """Whether the container `server` is the bridge."""
        return self.kind not in {ServerKind.MESHED, ServerKind.EXTERNAL}

    @property
    def has_upstream(self) -> bool:
        """Whether the server runs in a container of its own behind the bridge."""
        return self.kind in {ServerKind.BRIDGED_HTTP, ServerKind.STDIO_IMAGE}

    @property
    def endpoint_port(self) -> int:
        """Port of the pod that serves the endpoint."""
        return contract.MCP_PORT if self.has_runtime or self.port is None else self.port
