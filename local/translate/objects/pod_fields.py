"""Fields of a pod that tell a kubelet and a scheduler what to do: read strictly, without effect on one machine.

Nothing isolates or limits the processes here, nothing schedules them, and probes only give the path to wait for.
"""

from typing import Literal

from pydantic import Field

from meshed_mcp.local.translate.objects.fields import Fields
from meshed_mcp.local.translate.objects.metadata import Selector
from meshed_mcp.local.translate.objects.placement import Affinity, Toleration

Count = int | str
"""A number of pods or a percentage. Source: Kubernetes type IntOrString."""


class RollingUpdate(Fields):
    """How many pods may be missing or extra during an update."""

    max_surge: Count | None = None
    max_unavailable: Count | None = None


class Strategy(Fields):
    """How an update replaces pods."""

    type: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    rolling_update: RollingUpdate | None = None


class Resources(Fields):
    """What a container may use."""

    limits: dict[str, str | int | float] = Field(default_factory=dict)
    requests: dict[str, str | int | float] = Field(default_factory=dict)


class Seccomp(Fields):
    """System calls allowed."""

    type: Literal["RuntimeDefault"]


class Capabilities(Fields):
    """Linux capabilities."""

    drop: tuple[str, ...] = ()


class PodSecurity(Fields):
    """Users and groups of a pod."""

    run_as_non_root: bool | None = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    fs_group: int | None = None
    fs_group_change_policy: str | None = None
    seccomp_profile: Seccomp | None = None


class ContainerSecurity(PodSecurity):
    """What a container may do."""

    allow_privilege_escalation: bool | None = None
    privileged: bool | None = None
    read_only_root_filesystem: bool | None = None
    capabilities: Capabilities | None = None


class Spread(Fields):
    """How evenly pods lie over nodes or zones."""

    max_skew: int
    topology_key: str
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    label_selector: Selector = Selector()
    match_label_keys: tuple[str, ...] = ()
    min_domains: int | None = None
    node_affinity_policy: Literal["Honor", "Ignore"] | None = None
    node_taints_policy: Literal["Honor", "Ignore"] | None = None


class HTTPGet(Fields):
    """What a probe asks for."""

    path: str
    port: int | str
    scheme: Literal["HTTP"] = "HTTP"


class Probe(Fields):
    """A kubelet's question and its timing."""

    http_get: HTTPGet
    initial_delay_seconds: int | None = None
    period_seconds: int | None = None
    timeout_seconds: int | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None
    termination_grace_period_seconds: int | None = None


class Sleep(Fields):
    """A pause."""

    seconds: int


class PreStop(Fields):
    """What precedes SIGTERM."""

    sleep: Sleep


class Lifecycle(Fields):
    """Hooks of a container; here everything stops at once, so nobody has to notice first."""

    pre_stop: PreStop | None = None


class UnusedPodFields(Fields):
    """Pod fields without effect on one machine."""

    automount_service_account_token: bool | None = None
    termination_grace_period_seconds: int | None = None
    security_context: PodSecurity | None = None
    topology_spread_constraints: tuple[Spread, ...] = ()
    enable_service_links: bool | None = None
    priority_class_name: str | None = None
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] = ()
    restart_policy: Literal["Always"] = "Always"
    node_selector: dict[str, str] = Field(default_factory=dict)


class UnusedContainerFields(Fields):
    """Container fields without effect on one machine."""

    image: str
    image_pull_policy: str | None = None
    resources: Resources | None = None
    security_context: ContainerSecurity | None = None
    liveness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    termination_message_policy: str | None = None


class UnusedDeploymentFields(Fields):
    """Deployment fields that steer an update; there is none on one machine."""

    strategy: Strategy | None = None
    revision_history_limit: int | None = None
    progress_deadline_seconds: int | None = None
    min_ready_seconds: int = Field(default=0, ge=0)
