"""Deployment, Service and ServiceAccount: the fields that become processes, addresses and identities.

Source of every name and meaning: Kubernetes API, apps/v1 and v1.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from meshed_mcp.error_codes.local import REFERENCE_NOT_EXPANDED
from meshed_mcp.local.translate.objects.fields import Fields
from meshed_mcp.local.translate.objects.metadata import KEEPS_DRAINING, Placed, PodMetadata, Selector
from meshed_mcp.local.translate.objects.pod_fields import (
    Probe,
    UnusedContainerFields,
    UnusedDeploymentFields,
    UnusedPodFields,
)


class ContainerPort(Fields):
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
    """Where a value comes from."""

    secret_key_ref: SecretKeyRef | None = None
    field_ref: FieldRef | None = None


class EnvVar(Fields):
    """A variable of the process; references such as `$(NAME)` are not expanded here."""

    name: str
    value: str = ""
    value_from: ValueFrom | None = None

    @model_validator(mode="after")
    def _no_reference(self) -> Self:
        if "$(" in self.value:
            raise REFERENCE_NOT_EXPANDED.error(value=self.value)
        return self


class VolumeMount(Fields):
    """Where the container sees a volume."""

    name: str
    mount_path: str
    read_only: bool = False


class EmptyDir(Fields):
    """A folder that lives as long as the pod."""

    size_limit: str | None = None
    medium: Literal["", "Memory"] = ""


class Volume(Fields):
    """Only folders that live with the pod exist here."""

    name: str
    empty_dir: EmptyDir


class Container(UnusedContainerFields):
    """The process."""

    name: Literal["server"]
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    env: tuple[EnvVar, ...] = ()
    volume_mounts: tuple[VolumeMount, ...] = ()
    readiness_probe: Probe


class PodSpec(UnusedPodFields):
    """One process under one identity."""

    service_account_name: str = "default"
    containers: tuple[Container, ...] = Field(min_length=1, max_length=1)
    volumes: tuple[Volume, ...] = ()


class PodTemplate(Fields):
    """What every replica is made of."""

    metadata: PodMetadata
    spec: PodSpec


class DeploymentSpec(UnusedDeploymentFields):
    """Replicas of one pod template."""

    replicas: int = Field(default=1, ge=0)
    selector: Selector
    template: PodTemplate


class Deployment(Placed):
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
    """A name for the pods that the selector finds."""

    type: Literal["ClusterIP"] = "ClusterIP"
    selector: dict[str, str] = Field(min_length=1)
    ports: tuple[ServicePort, ...] = Field(min_length=1)


class Service(Placed):
    """A name for pods."""

    spec: ServiceSpec

    @property
    def keeps_draining(self) -> bool:
        """Whether pods that end stay in reach of requests that name them."""
        return KEEPS_DRAINING in self.metadata.labels


class ServiceAccount(Placed):
    """An identity; nothing is mounted on one machine."""

    automount_service_account_token: bool | None = None
