"""Every key of a stack file: type, unit, bound, default. Raw values in, a frozen `StackConfig` out, or all issues.

A key exists once: what a component takes is the component's own model, embedded here. What the values lead to is
`plan.py`; where they are read from is `program.py` (Pulumi) and `recording/project.py` (files).
"""

import json
from collections.abc import Callable, Collection, Mapping
from math import inf
from typing import Any, Final, NamedTuple

from pydantic import Field, field_validator

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
from meshed_mcp.components.core.properties import is_carried
from meshed_mcp.components.mesh.authorization.role_groups import RoleGroups
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.egress.cluster_dependencies import Reachable
from meshed_mcp.components.mesh.routing.tool_args import PoolSettings
from meshed_mcp.components.mesh.service.args import SecretKey, ServiceSettings
from meshed_mcp.components.mesh.service.log_export_args import LogSettings
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.error_codes.stack import (
    ENCRYPTED_STRUCTURE,
    FOLLOWS_FROM_KEY,
    NOT_A_STRUCTURE,
    SERVICES_MISSING,
    UNKNOWN_KEY,
)
from meshed_mcp.error_codes.values import NOT_A_MAPPING, NUMBER_NOT_CARRIED
from meshed_mcp.infra.planning.chaos import Environment, Experiments

NAMESPACE: Final = "meshed-mcp"
"""Configuration namespace: keys are written `meshed-mcp:services:` whatever the project is called."""

LOCAL_DOMAIN: Final = "mcp.localhost"
"""Host of the gateway where a stack names none: full, as Istio asks, and this machine to every client.

Source: RFC 6761, section 6.3.
"""


class PoolConfig(PoolSettings):
    """Pods of their own for slow or expensive tools, and how many."""

    scaling: ScalingSettings = ScalingSettings()
    """How many replicas, and by what measure: the pool's own load."""


class ServiceConfig(ServiceSettings):
    """One MCP service: what runs, who may call it, how it scales."""

    scaling: ScalingSettings = ScalingSettings()
    """How many replicas, and by what measure."""

    pools: Mapping[str, PoolConfig] = Field(default_factory=dict)
    """Name -> pods of their own for slow or expensive tools; calls of clients up to 2025-11-25 do not reach them."""


class RegistryConfig(Model):
    """The registry in which services appear by name while they hold a lease."""

    image: In[str]
    """Container image with this package's runtime."""

    command: list[str] = Field(default=["python", "-m", "meshed_mcp.agents.registry"])
    """Command in place of the image's entry point."""

    replicas: int = Field(default=2, ge=1, le=10)
    """Pods. More than one needs `database`: each pod's SQLite file is its own."""

    database: SecretKey | None = None
    """Secret with a PostgreSQL URL, e.g. `postgresql+psycopg://...`; unset = SQLite, one replica."""

    cluster_dependencies: list[Reachable] = Field(default_factory=list)
    """Where that database is in the cluster, as "namespace/service"; without it the registry gets neither a Sidecar nor
    a NetworkPolicy."""


class StackConfig(Model):
    """One stack: a file `Pulumi.<stack>.yaml` holds what differs from these defaults."""

    services: dict[str, ServiceConfig] = Field(min_length=1)
    """Name -> service; a name is a DNS label of at most 54 characters."""

    namespace: str = "mcp-system"
    """Namespace of services and registry."""

    domain: str = LOCAL_DOMAIN
    """Host name of the ingress gateway; an exposed service is reached at `https://<domain>/<name>/mcp`. The default
    answers nobody but a port-forward."""

    registry: RegistryConfig | None = None
    """Unset: no registry, and services do not register."""

    request_state: SecretKey | None = None
    """Secret with the keys that seal the state of calls in several rounds, one per line, the sealing one first; for
    services with `shared_state: [request-state]`."""

    redis: SecretKey | None = None
    """Secret with the URL of a Redis, e.g. `redis://:password@redis.data:6379/0`; for services with
    `shared_state: [subscriptions]`."""

    access: RoleGroups = RoleGroups()
    """Groups of people by role: `viewer`, `operator`, `admin`."""

    mesh: ServiceMeshArgs = Field(default_factory=lambda: ServiceMeshArgs(domain=LOCAL_DOMAIN))
    observability: ObservabilityStackArgs = ObservabilityStackArgs()
    keda: KedaSettings = KedaSettings()
    deletion_cost: DeletionCostSettings | None = None
    """Marks on replicas that hold sessions, so that the emptiest is removed first. Unset: the youngest is."""

    vpa: VpaSettings = VpaSettings()
    nodes: NodeSettings | None = None
    """Nodes for the replicas. Unset: the program of the cluster sees to them."""

    forecast: ForecastSettings = ForecastSettings()
    logs: LogSettings = LogSettings()
    prices: Prices = Prices()
    grafana_admin_password: In[str] | None = None
    """Set with `pulumi config set --secret`. Unset: the Secret `grafana-admin` must come from elsewhere."""

    session_key: In[str] | None = None
    """Set with `pulumi config set --secret`: text that masks the addresses of pods in session ids, for services with
    `legacy: sticky`. Unset: the names of the services do, which everybody knows."""

    environment: Environment = Environment.PRODUCTION
    """`production` or `development`: whether faults may be injected without a window."""

    chaos: Experiments = Field(default_factory=dict)
    """Name -> experiment: a fault that real requests meet while its window is open."""

    chart_mirror: str | None = None
    """Repository (URL) or folder with every chart, for clusters that cannot reach the publishers' repositories."""

    @field_validator("namespace")
    @classmethod
    def _is_namespace(cls, value: str) -> str:
        return namespace_name(value)

    @field_validator("domain")
    @classmethod
    def _is_host(cls, value: str) -> str:
        return domain_name(value)


SECRET_TEXT_KEYS: Final = frozenset({"grafana_admin_password", "session_key"})
"""Keys whose value may be an encrypted text."""

TEXT_KEYS: Final = SECRET_TEXT_KEYS | {"namespace", "domain", "environment", "chart_mirror"}
"""Keys whose value is text; the others are structures."""

FOLLOWS: Final = {
    "mesh": {
        "domain": "domain",
        "namespaces": "namespace",
        "chart_mirror": "chart_mirror",
        "shared_limits": "services",
        "access": "access",
        "egress": "services",
        "organization_claim": "services",
        "monitoring_namespace": "observability.namespace",
    },
    "observability": {"chart_mirror": "chart_mirror", "cluster_domain": "mesh.cluster_domain"},
}
"""Fields of embedded models that follow from a key of the stack: a second place to write them could contradict it."""


class Reading(NamedTuple):
    """What was read: the sound part of a stack, the services it names (sound or not), and what is wrong."""

    config: StackConfig | None
    """What can be judged further, although something else is wrong; None where no service is sound."""

    declared: tuple[str, ...]
    issues: list[ConfigIssue]


def read(values: Mapping[str, Any], secret_keys: Collection[str] = ()) -> Reading:
    """`values`: full key (`meshed-mcp:services`) -> text or JSON text, as Pulumi hands them over.

    Keys of other namespaces (`kubernetes:context`) are not ours and pass.
    """
    found: list[ConfigIssue] = []
    raw: dict[str, Any] = {}
    for key, value in own(values).items():
        try:
            raw[key] = value if key in TEXT_KEYS else structure(key, value, secret_keys)
        except ConfigurationError as error:
            found += error.issues
    by_key = {key: key_issues(key, raw[key]) for key in sorted(set(StackConfig.model_fields) & set(raw))}
    found += [issue for faulty in by_key.values() for issue in faulty]
    if not raw.get("services"):
        found.append(ConfigIssue("stack", f"{NAMESPACE}:services", SERVICES_MISSING.message()))
    services = raw.get("services")
    declared = tuple(map(str, services)) if isinstance(services, dict) else ()
    sound = raw if not found else sound_part(raw, by_key)
    return Reading(None if sound is None else validated(sound), declared, found)


def sound_part(raw: dict[str, Any], by_key: Mapping[str, list[ConfigIssue]]) -> dict[str, Any] | None:
    """The stack without its faulty keys and services; None where no service is left."""
    sound = {key: value for key, value in raw.items() if not by_key[key]}
    services = raw.get("services")
    if not isinstance(services, dict):
        return None
    sound["services"] = {name: item for name, item in services.items() if not service_issues(str(name), item)}
    return sound if sound["services"] else None


def validated(raw: dict[str, Any]) -> StackConfig:
    """The stack behind structures that have been judged."""
    return StackConfig.model_validate(embedded(raw), by_alias=False, by_name=True)


def own(values: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of our namespace, without it."""
    prefix = f"{NAMESPACE}:"
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def structure(key: str, value: Any, secret_keys: Collection[str]) -> Any:
    """A structured value, from JSON text. Raises ConfigurationError for unknown keys, secrets and plain text."""
    full_key = f"{NAMESPACE}:{key}"
    if key not in StackConfig.model_fields:
        message = UNKNOWN_KEY.message(suggested=suggestion(key, sorted(StackConfig.model_fields)))
    elif full_key in secret_keys:
        message = ENCRYPTED_STRUCTURE.message()
    else:
        try:
            return parsed(full_key, value) if isinstance(value, str) else value
        except ValueError:
            message = NOT_A_STRUCTURE.message(value=excerpt(value))
    raise ConfigurationError([ConfigIssue("stack", full_key, message)])


def parsed(full_key: str, text: str) -> Any:
    """JSON text as data. Raises ConfigurationError for a number that Pulumi would round or lose, such as NaN or 1e999.

    Python's parser takes NaN and whole numbers of any length, a message of Pulumi does not.
    """

    def number(kind: type[int] | type[float]) -> Callable[[str], float]:
        def checked(digits: str) -> float:
            try:
                found = kind(digits)
            except ValueError:  # more digits than Python converts
                found = inf
            if is_carried(found):
                return found
            message = NUMBER_NOT_CARRIED.message(shown=excerpt(digits))
            raise ConfigurationError([ConfigIssue("stack", full_key, message)])

        return checked

    return json.loads(text, parse_int=number(int), parse_float=number(float), parse_constant=number(float))


def key_issues(key: str, value: Any) -> list[ConfigIssue]:
    """All issues of one key's value, each naming its object: a service, the registry, or the key itself."""
    if key == "services":
        if not isinstance(value, dict):
            return [
                ConfigIssue(
                    "stack",
                    f"{NAMESPACE}:services",
                    NOT_A_MAPPING.message(shown=excerpt(value), names=" of names to services", fields=""),
                )
            ]
        return [issue for name, item in value.items() for issue in service_issues(str(name), item)]
    if key == "registry":
        return [] if value is None else model_issues(RegistryConfig, value, "registry")
    if key in FOLLOWS:
        return followed_issues(key, value)
    return model_issues(StackConfig, {"services": EXAMPLE_SERVICES, key: value}, "stack")


EXAMPLE_SERVICES: Final = {"example": {"image": "example"}}
"""Stands in where one other key is judged alone."""


def service_issues(name: str, value: Any) -> list[ConfigIssue]:
    """Issues of one service, its name's included."""
    found = model_issues(ServiceConfig, value, f"service {name}")
    try:
        service_name(name)
    except MessageError as error:
        found[:0] = [ConfigIssue(f"service {excerpt(name)}", "", message) for message in error.messages]
    return found


def followed_issues(key: str, value: Any) -> list[ConfigIssue]:
    """Issues of an embedded model, less the fields that a key of the stack decides."""
    if not isinstance(value, dict):
        return [ConfigIssue(key, "", NOT_A_MAPPING.message(shown=excerpt(value), names="", fields=""))]
    doubled = [
        ConfigIssue(key, field, FOLLOWS_FROM_KEY.message(key=f"{NAMESPACE}:{source}"))
        for field, source in FOLLOWS[key].items()
        if field in value
    ]
    rest = {field: item for field, item in value.items() if field not in FOLLOWS[key]}
    model = ServiceMeshArgs if key == "mesh" else ObservabilityStackArgs
    return doubled + model_issues(model, {**rest, **({"domain": LOCAL_DOMAIN} if key == "mesh" else {})}, key)


def embedded(raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` with the fields that follow from other keys put where the components read them."""
    namespace, mirror = raw.get("namespace", "mcp-system"), raw.get("chart_mirror")
    mesh = {"domain": raw.get("domain", LOCAL_DOMAIN), "namespaces": [namespace], "chart_mirror": mirror}
    mesh["access"] = raw.get("access", {})
    return {
        **raw,
        "mesh": {**raw.get("mesh", {}), **mesh},
        "observability": {**raw.get("observability", {}), "chart_mirror": mirror},
    }
