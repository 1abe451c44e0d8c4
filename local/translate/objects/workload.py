"""Deployment, Service and ServiceAccount: the fields that become processes, addresses and identities.

Fields of the scheduler, the kubelet and updates have no effect on one machine; the models keep them, so that a change
of them replaces the replicas.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

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


class Volume(LenientFields):
    """A volume: an empty folder on this machine, whose source has no effect."""

    name: str
    empty_dir: LenientFields | None = None


class HTTPGet(Fields):
    """Request of a probe."""

    path: str
    port: int | str
    scheme: Literal["HTTP"] = "HTTP"


class Probe(LenientFields):
    """The readiness probe."""

    http_get: HTTPGet


class Container(LenientFields):
    """The server's process."""

    name: Literal["server"]
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    env: tuple[EnvVar, ...] = ()
    volume_mounts: tuple[VolumeMount, ...] = ()
    readiness_probe: Probe


class PodSpec(LenientFields):
    """One process with one identity."""

    service_account_name: str = "default"
    termination_grace_period_seconds: int | None = None
    containers: tuple[Container, ...] = Field(min_length=1, max_length=1)
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
        """The one container."""
        return self.spec.template.spec.containers[0]


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
