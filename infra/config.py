"""Model of a stack file: keys with type, unit, bounds and default, and the parser that reports all issues.

The arguments of a component are the component's own model. `program.py` (Pulumi) and `recording/project.py` (files)
read the values, `plan.py` derives the arguments.
"""

import json
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from math import inf
from typing import Annotated, Any, ClassVar, Final, NamedTuple

from pydantic import AfterValidator, Field

from meshed_mcp.components.autoscaling.args import (
    DeletionCostSettings,
    ForecastSettings,
    KedaSettings,
    ScalingSettings,
    VpaSettings,
)
from meshed_mcp.components.autoscaling.cost import Prices
from meshed_mcp.components.autoscaling.nodes.args import NodeSettings
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError, excerpt, model_issues, suggestion
from meshed_mcp.components.core.names import domain_name, namespace_name, service_name
from meshed_mcp.components.core.object_metadata import Annotations, Labels, ObjectDefaults, PullSecrets
from meshed_mcp.components.core.platform import ClusterPlatform
from meshed_mcp.components.core.properties import is_carried
from meshed_mcp.components.mesh.authorization.role_groups import RoleGroups
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.egress.destinations import ClusterService
from meshed_mcp.components.mesh.egress.proxy_args import CaBundle, EgressProxy
from meshed_mcp.components.mesh.routing.fault_injection_args import FaultInjection, Window, fault_names
from meshed_mcp.components.mesh.routing.tool_args import PoolSettings
from meshed_mcp.components.mesh.service.args import SecretKey, ServiceSettings
from meshed_mcp.components.mesh.service.container_args import ServerResources
from meshed_mcp.components.mesh.service.log_export_args import LogSettings
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.pod.args import PodSettings
from meshed_mcp.components.pod.validation import SERVER_CONTAINERS
from meshed_mcp.error_codes import stack as codes
from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.error_codes.values import NOT_A_MAPPING, NUMBER_NOT_CARRIED

NAMESPACE: Final = "meshed-mcp"
"""Configuration namespace of all keys, independent of the project's name."""

LOCAL_DOMAIN: Final = "mcp.localhost"
"""Default host of the gateway: fully qualified, and the loopback address. Source: RFC 6761, section 6.3."""


class Environment(StrEnum):
    """Purpose of a stack."""

    PRODUCTION = "production"
    """Real users: fault injection needs a window."""

    DEVELOPMENT = "development"
    """No real users."""


class Experiment(FaultInjection):
    """Fault injection into real requests while its window is open."""

    service: str
    """Service whose callers get the fault."""

    window: Window
    """Start and end, required in every environment."""


class PoolConfig(PoolSettings):
    """Separate pods for slow or expensive tools."""

    scaling: ScalingSettings = ScalingSettings()
    """Autoscaling of the pool on its own load."""


class ServiceConfig(ServiceSettings):
    """One MCP service: image, callers, autoscaling."""

    scaling: ScalingSettings = ScalingSettings()
    """Autoscaling of the service."""

    pools: Mapping[str, PoolConfig] = Field(default_factory=dict)
    """Name -> pool of separate pods for slow or expensive tools; requests of revisions up to 2025-11-25 bypass
    pools."""


class RegistryConfig(PodSettings):
    """Registry that lists services by name while they hold a lease."""

    containers: ClassVar[tuple[str, ...]] = SERVER_CONTAINERS

    image: In[str]
    """Container image with this package's runtime."""

    command: list[str] = Field(default=["python", "-m", "meshed_mcp.agents.registry"])
    """Command instead of the image's entry point."""

    replicas: int = Field(default=2, ge=1, le=10)
    """Number of pods. More than one needs `database`, because SQLite files are per pod."""

    database: SecretKey | None = None
    """Secret with a PostgreSQL URL, e.g. `postgresql+psycopg://...`. Unset: SQLite, one replica."""

    cluster_dependencies: list[ClusterService] = Field(default_factory=list)
    """Where that database is in the cluster, as "namespace/service"; without it the registry gets neither a Sidecar nor
    a NetworkPolicy."""


class BridgeConfig(Model):
    """Images of the bridge, for stdio servers, packages, remote servers and `bridge: true`."""

    image: In[str] | None = None
    """Image of the bridge with the stdio launcher; required for `transport: stdio`, `url` and `bridge: true`."""

    npm_image: In[str] | None = None
    """Image of the bridge with Node.js and npm; required for packages of npm."""

    pypi_image: In[str] | None = None
    """Image of the bridge with uv; required for packages of PyPI."""

    resources: ServerResources = Field(default_factory=ServerResources)
    """CPU and memory of the bridge, where the server behind it has a container of its own."""


class StackConfig(Model):
    """One stack, as in the file `Pulumi.<stack>.yaml`."""

    services: dict[str, ServiceConfig] = Field(min_length=1)
    """Name -> service; a name is a DNS label of at most 54 characters."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "mcp-system"
    """Namespace of services and registry."""

    labels: Labels = Field(default_factory=dict)
    """Labels of every object and pod of the stack, such as a cost center; a part's own win."""

    annotations: Annotations = Field(default_factory=dict)
    """Annotations of every object and pod of the stack; a part's own win."""

    image_pull_secrets: PullSecrets = Field(default_factory=list)
    """Secrets with the credentials of image registries, for every pod, those of charts included. Each must exist in
    every namespace with pods; `meshed-mcp check` lists them."""

    domain: Annotated[str, AfterValidator(domain_name)] = LOCAL_DOMAIN
    """Host name of the ingress gateway; an exposed service is at `https://<domain>/<name>/mcp`. The default is
    reachable by port-forward only."""

    registry: RegistryConfig | None = None
    """Registry of the services. Unset: no registry."""

    bridge: BridgeConfig = BridgeConfig()
    """Bridge in front of servers without this package's runtime."""
    platform: ClusterPlatform | None = None
    """Kubernetes distribution or managed service, from which defaults follow: `aks`, `eks`, `gke`, `openshift`, `k3d`,
    `k3s`, `microk8s`, `minikube`. Unset: no defaults differ."""

    egress_proxy: EgressProxy | None = None
    """Proxy of a corporate network. Every service with an external host uses it, except for hosts in its `no_proxy`."""

    ca_bundle: CaBundle | None = None
    """ConfigMap with the certificate authorities that services and registry trust. Unset: those of each image."""

    request_state: SecretKey | None = None
    """Secret with the keys that seal the state of calls in several rounds, one per line, the sealing one first; for
    services with `shared_state: [request-state]`."""

    redis: SecretKey | None = None
    """Secret with the URL of a Redis, e.g. `redis://:password@redis.data:6379/0`; for services with
    `shared_state: [subscriptions]`."""

    access: RoleGroups = RoleGroups()
    """Groups of users by role: `viewer`, `operator`, `admin`."""

    mesh: ServiceMeshArgs = Field(default_factory=lambda: ServiceMeshArgs(domain=LOCAL_DOMAIN))
    observability: ObservabilityStackArgs = ObservabilityStackArgs()
    keda: KedaSettings = KedaSettings()
    deletion_cost: DeletionCostSettings | None = None
    """Pod deletion costs, so that scale-in removes the replica with the fewest sessions. Unset: the youngest."""

    vpa: VpaSettings = VpaSettings()
    nodes: NodeSettings | None = None
    """Spare capacity and node autoscaling. Unset: the program of the cluster manages nodes."""

    forecast: ForecastSettings = ForecastSettings()
    logs: LogSettings = LogSettings()
    prices: Prices = Prices()
    grafana_admin_password: In[str] | None = None
    """Set with `pulumi config set --secret`. Unset: create the Secret `grafana-admin` yourself."""

    session_key: In[str] | None = None
    """Key that masks the addresses of pods in session ids, for services with `legacy: sticky`; set with
    `pulumi config set --secret`. Unset: the public names of the services."""

    environment: Environment = Environment.PRODUCTION
    """`production` or `development`, which allows fault injection without a window."""

    chaos: Annotated[dict[str, Experiment], AfterValidator(fault_names)] = Field(default_factory=dict)
    """Name -> experiment: fault injection into real requests while its window is open."""

    chart_mirror: str | None = None
    """Repository (URL) or folder with all charts. Unset: their publishers' repositories."""

    @property
    def defaults(self) -> ObjectDefaults:
        """What every object and pod gets."""
        return ObjectDefaults(
            labels=self.labels, annotations=self.annotations, image_pull_secrets=self.image_pull_secrets
        )


SECRET_TEXT_KEYS: Final = frozenset({"grafana_admin_password", "session_key"})
"""Keys whose value may be encrypted text."""

TEXT_KEYS: Final = SECRET_TEXT_KEYS | {"namespace", "domain", "environment", "chart_mirror", "platform"}
"""Keys whose value is text; the others are structures."""

DERIVED_FIELDS: Final = {
    "mesh": {
        "domain": "domain",
        "namespaces": "namespace",
        "chart_mirror": "chart_mirror",
        "hosts": "services",
        "shared_limits": "services",
        "access": "access",
        "egress": "services",
        "organization_claim": "services",
        "monitoring_namespace": "observability.namespace",
        "defaults": "labels",
        "accounts": "services",
        "platform": "platform",
        "egress_proxy": "egress_proxy",
        "ca_bundle": "ca_bundle",
    },
    "observability": {
        "chart_mirror": "chart_mirror",
        "cluster_domain": "mesh.cluster_domain",
        "istio_namespace": "mesh.root_namespace",
        "mesh": "mesh",
        "defaults": "labels",
        "cluster_platform": "platform",
    },
}
"""Fields of embedded models -> key of the stack that sets them; setting them directly is rejected."""


WITHOUT_MESH: Final = {"mode": "none"}
"""`meshed-mcp:mesh: none`, the short form."""

WAYS_WITHOUT: Final = {
    "mesh": "{install: existing} for an Istio of the cluster, or none for a cluster without a mesh",
    "observability": "{prometheus: {install: existing, url: ...}, grafana: {install: existing}} for the cluster's own",
    "keda": "{install: existing} for a KEDA of the cluster, or {install: none} for HPAs on CPU and memory",
    "vpa": "{install: existing} for a VPA of the cluster, or {install: none}",
}
"""Key of a part of the cluster -> how a stack says that it does not install the part."""

NOTHING: Final = (None, False, "", "null", "~", "none", "off", "false", "existing")
"""Values by which people say that a part is not to be installed."""


class ParseResult(NamedTuple):
    """Result of parsing a stack."""

    config: StackConfig | None
    """The valid part of the stack; None without a valid service."""

    declared: tuple[str, ...]
    """Names of all services, invalid ones included."""

    issues: list[ConfigIssue]


def parse_stack(values: Mapping[str, Any], secret_keys: Collection[str] = ()) -> ParseResult:
    """Parse `values`: full key (`meshed-mcp:services`) -> text or JSON text, as Pulumi passes them.

    Keys of other namespaces (`kubernetes:context`) are ignored.
    """
    found: list[ConfigIssue] = []
    raw: dict[str, Any] = {}
    prefix = f"{NAMESPACE}:"
    own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    for key, value in own.items():
        try:
            raw[key] = value if key in TEXT_KEYS else structure(key, value, secret_keys)
        except ConfigurationError as error:
            found += error.issues
    by_key = {key: key_issues(key, raw[key], raw) for key in sorted(set(StackConfig.model_fields) & set(raw))}
    found += [issue for issues in by_key.values() for issue in issues]
    if not raw.get("services") and not any(issue.field == f"{NAMESPACE}:services" for issue in found):
        found.append(ConfigIssue("stack", f"{NAMESPACE}:services", codes.SERVICES_MISSING.message()))
    services = raw.get("services")
    declared = tuple(map(str, services)) if isinstance(services, dict) else ()
    valid = raw if not found else valid_part(raw, by_key)
    return ParseResult(None if valid is None else validated(valid), declared, found)


def valid_part(raw: dict[str, Any], by_key: Mapping[str, list[ConfigIssue]]) -> dict[str, Any] | None:
    """The stack without its invalid keys and services; None if no service is left."""
    valid = {key: value for key, value in raw.items() if not by_key[key]}
    services = raw.get("services")
    if not isinstance(services, dict):
        return None
    valid["services"] = {name: item for name, item in services.items() if not service_issues(str(name), item)}
    return valid if valid["services"] else None


def validated(raw: dict[str, Any]) -> StackConfig:
    """The model of a stack without issues."""
    return StackConfig.model_validate(with_derived_fields(raw), by_alias=False, by_name=True)


def structure(key: str, value: Any, secret_keys: Collection[str]) -> Any:
    """The value of a structured key or its short form.

    Raises ConfigurationError, for a value such as null with the way to leave the part out.
    """
    word = value.strip('"') if isinstance(value, str) else value
    if key == "mesh" and word == WITHOUT_MESH["mode"]:
        return dict(WITHOUT_MESH)
    if key in WAYS_WITHOUT and word in NOTHING:
        message = codes.PART_LEFT_OUT.message(value=excerpt(word), way=WAYS_WITHOUT[key])
        raise ConfigurationError.single("stack", message, f"{NAMESPACE}:{key}")
    return parse_json_value(key, value, secret_keys)


def parse_json_value(key: str, value: Any, secret_keys: Collection[str]) -> Any:
    """The value of a structured key from JSON text. Raises ConfigurationError for unknown keys, secrets and text."""
    full_key = f"{NAMESPACE}:{key}"
    if key not in StackConfig.model_fields:
        message = codes.UNKNOWN_KEY.message(suggested=suggestion(key, sorted(StackConfig.model_fields)))
    elif full_key in secret_keys:
        message = codes.ENCRYPTED_STRUCTURE.message()
    else:
        try:
            return parse_json(full_key, value) if isinstance(value, str) else value
        except ValueError:
            message = codes.NOT_A_STRUCTURE.message(value=excerpt(value))
    raise ConfigurationError.single("stack", message, full_key)


def parse_json(full_key: str, text: str) -> Any:
    """JSON text as data. Raises ConfigurationError for a number that Pulumi cannot carry, such as NaN or 1e999."""

    def number(kind: type[int] | type[float]) -> Callable[[str], float]:
        def checked(digits: str) -> float:
            try:
                found = kind(digits)
            except ValueError:  # more digits than Python converts
                found = inf
            if is_carried(found):
                return found
            raise ConfigurationError.single("stack", NUMBER_NOT_CARRIED.message(shown=excerpt(digits)), full_key)

        return checked

    return json.loads(text, parse_int=number(int), parse_float=number(float), parse_constant=number(float))


def key_issues(key: str, value: Any, raw: Mapping[str, Any]) -> list[ConfigIssue]:
    """All issues of one key's value, each with its object: a service, the registry, or the key."""
    if key == "services":
        if not isinstance(value, dict):
            message = NOT_A_MAPPING.message(shown=excerpt(value), names=" of names to services", fields="")
            return [ConfigIssue("stack", f"{NAMESPACE}:services", message)]
        return [issue for name, item in value.items() for issue in service_issues(str(name), item)]
    if key == "registry":
        return [] if value is None else model_issues(RegistryConfig, value, "registry")
    if key in DERIVED_FIELDS:
        return embedded_issues(key, value, raw)
    return model_issues(StackConfig, {"services": EXAMPLE_SERVICES, key: value}, "stack")


EXAMPLE_SERVICES: Final = {"example": {"image": "example"}}
"""Placeholder for the validation of another key."""


def service_issues(name: str, value: Any) -> list[ConfigIssue]:
    """Issues of one service and its name."""
    found = model_issues(ServiceConfig, value, f"service {name}")
    try:
        service_name(name)
    except MessageError as error:
        found[:0] = [ConfigIssue(f"service {excerpt(name)}", "", message) for message in error.messages]
    return found


def embedded_issues(key: str, value: Any, raw: Mapping[str, Any]) -> list[ConfigIssue]:
    """Issues of `mesh` or `observability`, and their fields that DERIVED_FIELDS rejects."""
    if not isinstance(value, dict):
        return [ConfigIssue(key, "", NOT_A_MAPPING.message(shown=excerpt(value), names="", fields=""))]
    derived = [
        ConfigIssue(key, field, codes.FOLLOWS_FROM_KEY.message(key=f"{NAMESPACE}:{source}"))
        for field, source in DERIVED_FIELDS[key].items()
        if field in value
    ]
    rest = {field: item for field, item in value.items() if field not in DERIVED_FIELDS[key]}
    model = ServiceMeshArgs if key == "mesh" else ObservabilityStackArgs
    known = {"platform": raw["platform"]} if raw.get("platform") in [*ClusterPlatform] else {}
    place = {"domain": LOCAL_DOMAIN, **known} if key == "mesh" else {}
    return derived + model_issues(model, {**rest, **place}, key)


def with_derived_fields(raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` with the fields that other keys set."""
    namespace, mirror = raw.get("namespace", "mcp-system"), raw.get("chart_mirror")
    own = {"domain": raw.get("domain", LOCAL_DOMAIN), "namespaces": [namespace], "access": raw.get("access", {})}
    platform = raw.get("platform")
    mesh = {**raw.get("mesh", {}), **own, "chart_mirror": mirror, "platform": platform}
    monitoring = {**raw.get("observability", {}), "chart_mirror": mirror, "cluster_platform": platform}
    return {**raw, "mesh": mesh, "observability": monitoring}
