"""Deployment, Service and ServiceAccount: the fields that become processes, addresses and identities.

A pod has the container `server`, and for servers of others behind the bridge init containers: the launcher or the
installer, and the server itself as `upstream`. Other containers do not run. Fields of the scheduler, the kubelet and
updates have no effect on one machine; the models keep them, so that a change of them replaces the replicas.
"""

from typing import Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from meshed_mcp import contract
from meshed_mcp.error_codes.local import REFERENCE_NOT_EXPANDED
from meshed_mcp.local.translate.objects.fields import DRAINING_ENDPOINTS, Fields, LenientFields, Placed, PodMetadata


class ContainerPort(LenientFields):
    """A port the process listens on."""

    name: str | None = None
    container_port: int
    protocol: Literal["TCP"] = "TCP"


class SecretKeyRef(Fields):
    """A key of a Secret."""

    name: str
    key: str
    optional: bool = False


class FieldRef(Fields):
    """A field of the pod itself."""

    field_path: Literal["metadata.name", "metadata.namespace", "status.podIP", "spec.serviceAccountName"]
    api_version: Literal["v1"] = "v1"


class ValueFrom(Fields):
    """Source of a variable's value."""

    secret_key_ref: SecretKeyRef | None = None
    field_ref: FieldRef | None = None


class EnvVar(Fields):
    """An environment variable; references such as `$(NAME)` are rejected."""

    name: str
    value: str = ""
    value_from: ValueFrom | None = None

    @model_validator(mode="after")
    def _no_reference(self) -> Self:
        if "$(" in self.value:
            raise REFERENCE_NOT_EXPANDED.error(value=self.value)
        return self


class VolumeMount(LenientFields):
    """Path of a volume in the container."""

    name: str
    mount_path: str


class KeyPath(LenientFields):
    """A key and its path in a volume."""

    key: str
    path: str


class ProjectedObject(LenientFields):
    """Keys of one Secret or ConfigMap in a projected volume."""

    name: str
    items: tuple[KeyPath, ...] = ()
    optional: bool = False


class ProjectedSource(LenientFields):
    """One source of a projected volume; others than these have no effect."""

    secret: ProjectedObject | None = None
    config_map: ProjectedObject | None = None


class Projected(LenientFields):
    """Sources of a projected volume."""

    sources: tuple[ProjectedSource, ...] = ()


class MountedKey(NamedTuple):
    """A key in a volume: name of its Secret or ConfigMap, the key, and its path in the volume."""

    name: str
    key: str
    path: str
    optional: bool


class Volume(LenientFields):
    """A volume: a folder on this machine, with the keys of a projected one and empty otherwise."""

    name: str
    empty_dir: LenientFields | None = None
    projected: Projected = Projected()

    @property
    def keys(self) -> tuple[MountedKey, ...]:
        """The keys that the volume lists."""
        objects = [each for source in self.projected.sources for each in (source.secret, source.config_map) if each]
        return tuple(
            MountedKey(each.name, item.key, item.path, each.optional) for each in objects for item in each.items
        )


class HTTPGet(Fields):
    """Request of a probe."""

    path: str
    port: int | str
    scheme: Literal["HTTP"] = "HTTP"


LAUNCHER: Final = "launcher"
"""Init container that copies the stdio launcher. Source: components/mesh/service/bridge_container.py."""

INSTALLER: Final = "installer"
"""Init container that installs a package. Source: as LAUNCHER."""


class TCPSocket(Fields):
    """Connection of a probe."""

    port: int | str


class Probe(LenientFields):
    """The readiness probe: an HTTP request, else a TCP connection; others have no effect."""

    http_get: HTTPGet | None = None
    tcp_socket: TCPSocket | None = None


class Container(LenientFields):
    """A process."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    env: tuple[EnvVar, ...] = ()
    volume_mounts: tuple[VolumeMount, ...] = ()
    readiness_probe: Probe | None = None

    @property
    def has_runtime(self) -> bool:
        """Whether this package's runtime serves it: it listens on the pod's address, other servers on loopback."""
        return any(port.name == contract.MANAGEMENT_PORT_NAME for port in self.ports)

    def port_number(self, port: int | str) -> int:
        """Number of a port. Raises KeyError for an unknown name."""
        return port if isinstance(port, int) else {each.name: each.container_port for each in self.ports}[port]


class PodSpec(LenientFields):
    """Containers with one identity."""

    service_account_name: str = "default"
    termination_grace_period_seconds: int | None = None
    containers: tuple[Container, ...] = Field(min_length=1)
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()


class PodTemplate(LenientFields):
    """Template of the replicas."""

    metadata: PodMetadata
    spec: PodSpec


class DeploymentSpec(LenientFields):
    """Replicas of one pod template."""

    replicas: int = Field(default=1, ge=0)
    template: PodTemplate


class Deployment(Placed, LenientFields):
    """Replicas of one process."""

    spec: DeploymentSpec

    @property
    def container(self) -> Container:
        """The container of the server or the bridge."""
        containers = self.spec.template.spec.containers
        return next(each for each in containers if each.name == contract.CONTAINER_NAME)

    @property
    def upstream(self) -> Container | None:
        """The container of a server behind the bridge."""
        return self.init_container(contract.UPSTREAM_CONTAINER_NAME)

    @property
    def has_bridge(self) -> bool:
        """Whether the container of the server is the bridge."""
        return any(is_upstream(variable.name) for variable in self.container.env)

    @property
    def launched(self) -> Container | None:
        """The upstream container whose command a launcher starts once per session: a stdio server."""
        upstream = self.upstream
        return upstream if upstream is not None and self.init_container(LAUNCHER) is not None else None

    @property
    def installer(self) -> Container | None:
        """The init container that installs the package of a stdio server."""
        return self.init_container(INSTALLER)

    @property
    def loopback_server(self) -> Container | None:
        """The container with an HTTP server of others, which has one loopback port for all replicas."""
        if self.launched is not None:
            return None
        return self.upstream or (None if self.container.has_runtime else self.container)

    def init_container(self, name: str) -> Container | None:
        """An init container by name."""
        return next((each for each in self.spec.template.spec.init_containers if each.name == name), None)


def is_upstream(variable: str) -> bool:
    """Whether a variable names what the bridge runs in front of."""
    return variable in {contract.ENV_UPSTREAM_URL, contract.ENV_UPSTREAM_COMMAND, contract.ENV_UPSTREAM_ADDRESS}


class ServicePort(Fields):
    """A port of the Service and the container port behind it."""

    name: str | None = None
    port: int
    target_port: int | str | None = None
    protocol: Literal["TCP"] = "TCP"
    app_protocol: Literal["http"] | None = None


class ServiceSpec(Fields):
    """Selector and ports; every field decides where a request goes, so others are rejected."""

    type: Literal["ClusterIP"] = "ClusterIP"
    selector: dict[str, str] = Field(min_length=1)
    ports: tuple[ServicePort, ...] = Field(min_length=1)


class Service(Placed):
    """A DNS name for the selected pods."""

    spec: ServiceSpec

    @property
    def keeps_draining(self) -> bool:
        """Whether terminating pods stay reachable for requests that name them."""
        return DRAINING_ENDPOINTS in self.metadata.labels


class ServiceAccount(Placed, LenientFields):
    """An identity."""
