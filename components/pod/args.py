"""Options of a pod, the same for services and for every other workload that the stack makes.

Structures that Kubernetes defines (`volumes`, `tolerations`, ...) have the fields and the spelling of its API.
"""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import object_name
from meshed_mcp.components.core.object_metadata import Annotations, Labels, PullSecrets, SelectorLabels
from meshed_mcp.components.pod import validation
from meshed_mcp.components.pod.account_args import ServiceAccountSettings
from meshed_mcp.components.pod.kubernetes_types import (
    Affinity,
    Container,
    EnvFrom,
    HostAlias,
    Toleration,
    Volume,
    VolumeMount,
)
from meshed_mcp.components.pod.overlay_args import Overlay, container_issues
from meshed_mcp.error_codes import pod as codes
from meshed_mcp.error_codes.code import raise_all

LARGEST_ID: Final = 2**31 - 1
"""Largest user and group id. Source: Kubernetes API, SecurityContext, validation of `runAsUser`."""


class PullPolicy(StrEnum):
    """When the kubelet pulls an image. Source: Kubernetes, "Images"."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class ReadOnlyRoot(Model):
    """Whether the root file system of the container is read-only."""

    enabled: bool = True
    """False = the container may write to its root file system. The pod still meets the restricted Pod Security
    Standard."""

    reason: str | None = Field(default=None, min_length=1, max_length=200)
    """Why the image writes outside its volumes; required with `enabled: false`, kept as an annotation."""

    @model_validator(mode="after")
    def _has_reason(self) -> Self:
        if not self.enabled and self.reason is None:
            raise codes.WRITABLE_ROOT_WITHOUT_REASON.error()
        return self


class PlacementSettings(Model):
    """Options of a pod that do not depend on its containers."""

    labels: Labels = Field(default_factory=dict)
    """Labels of the workload and its pods, over those of the stack."""

    annotations: Annotations = Field(default_factory=dict)
    """Annotations of the workload and its pods, over those of the stack."""

    image_pull_secrets: PullSecrets = Field(default_factory=list)
    """Secrets of the namespace with the credentials of image registries, beside those of the stack."""

    image_pull_policy: PullPolicy | None = None
    """`Always`, `IfNotPresent` or `Never`, of every container of the pod; unset = the default of Kubernetes: `Always`
    for the tag `latest`, `IfNotPresent` for others."""

    node_selector: SelectorLabels = Field(default_factory=dict)
    """Labels that a node must have."""

    tolerations: list[Toleration] = Field(default_factory=list)
    """Taints that the pods tolerate: `{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}`."""

    affinity: Affinity = Field(default_factory=dict)
    """Affinity in the spelling of Kubernetes, beside that of `scaling.interruptible`."""

    runtime_class: Annotated[str, AfterValidator(object_name)] | None = None
    """RuntimeClass of the pods, such as `gvisor`; unset = the cluster's default."""

    host_users: bool | None = None
    """False = a user namespace of the pod's own; unset = the default of Kubernetes, that of the node."""

    host_aliases: list[HostAlias] = Field(default_factory=list)
    """Entries of the pods' `/etc/hosts`: `{ip: 10.0.0.5, hostnames: [db.corp.example.com]}`."""


class PodSettings(PlacementSettings):
    """Options of a pod."""

    containers: ClassVar[tuple[str, ...]] = ()
    """Containers of the workload, whose fields an overlay leaves alone."""

    service_account: ServiceAccountSettings = ServiceAccountSettings()
    """ServiceAccount: annotations for workload identity, access to the Kubernetes API."""

    volumes: Annotated[
        list[Volume], AfterValidator(validation.distinct_volumes), AfterValidator(validation.named_references)
    ] = Field(default_factory=list)
    """Volumes in the spelling of Kubernetes: `{name: settings, configMap: {name: settings}}`, also of the types
    `secret`, `persistentVolumeClaim`, `emptyDir`, `image`, `projected`, `csi`, `ephemeral`. Each needs a mount."""

    volume_mounts: Annotated[list[VolumeMount], AfterValidator(validation.distinct_paths)] = Field(default_factory=list)
    """Mounts of `volumes` in the container of the server: `{name: settings, mountPath: /etc/settings}`."""

    env_from: Annotated[list[EnvFrom], AfterValidator(validation.named_references)] = Field(default_factory=list)
    """ConfigMaps and Secrets whose keys become environment variables of the server: `{configMapRef: {name: settings}}`.
    Variables that are set by name take precedence."""

    fs_group: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    """Group that owns the files of writable volumes, such as those of a `persistentVolumeClaim`; unset = as the volume
    is."""

    init_containers: Annotated[list[Container], AfterValidator(validation.init_containers)] = Field(
        default_factory=list
    )
    """Containers that run before the server, in the spelling of Kubernetes. They get the security context of the
    restricted Pod Security Standard where they set none; they may mount `volumes`."""

    run_as_user: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    """User id of the server's process; unset = the image's user, which must be numeric and not 0."""

    read_only_root: ReadOnlyRoot = ReadOnlyRoot()
    """Read-only root file system of the server's container; `{enabled: false, reason: "..."}` makes it writable."""

    pod: Overlay = Field(default_factory=dict)
    """Strategic merge patch over the pod's specification for every other field, in the spelling of Kubernetes:
    `{dnsConfig: {options: [{name: ndots, value: "2"}]}}`. Fields that the platform sets are rejected by name."""

    @model_validator(mode="after")
    def _mounts_what_it_declares(self) -> Self:
        mounts = {
            validation.SERVER_MOUNTS: self.volume_mounts,
            "init_containers": validation.mounts_of(self.init_containers),
            "pod.containers": validation.mounts_of(self.pod.get("containers") or ()),
        }
        issues = validation.mount_issues(self.volumes, self.pod, mounts)
        own = container_issues(self.pod, self.containers)
        raise_all([*issues, *validation.group_issues(self.fs_group, self.volumes), *own])
        return self


def pod_settings(settings: PodSettings) -> dict[str, Any]:
    """The options of a larger model, by name."""
    return {name: getattr(settings, name) for name in PodSettings.model_fields}
