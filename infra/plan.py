"""Plan of a stack: from configuration to the arguments of every component, with validation across services."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.fast_scaler.manifests import AGENT_NAME
from meshed_mcp.components.core.charts import ChartInstall, OptionalInstall
from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError, suggestion
from meshed_mcp.components.mesh.authorization.role_groups import Role
from meshed_mcp.components.mesh.cluster.args import ExistingMesh
from meshed_mcp.components.mesh.cluster.existing import installs_mesh
from meshed_mcp.components.mesh.cluster.gateway import gateway_principal, gateway_reference
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.cluster.revision_args import DEFAULT_REVISION, injecting_revision
from meshed_mcp.components.mesh.egress.proxy_args import EgressProxy, proxied_hosts
from meshed_mcp.components.mesh.egress.service_entry import key_hosts
from meshed_mcp.components.mesh.multicluster.args import Remote
from meshed_mcp.components.mesh.routing.tool_args import Pool, PoolSettings
from meshed_mcp.components.mesh.service.args import IngressRef, MeshedMCPServiceArgs, ServiceMeshArgs, ServiceSettings
from meshed_mcp.components.mesh.service.shared_state import SharedState, missing_shared_secrets
from meshed_mcp.components.mesh.service.user_credential_args import has_store
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.existing import prometheus_namespace
from meshed_mcp.components.observability.grafana.gateway import GrafanaExposure
from meshed_mcp.components.observability.prometheus.alert_rules import grafana_address
from meshed_mcp.components.observability.prometheus.values import prometheus_url
from meshed_mcp.components.pod.args import pod_settings
from meshed_mcp.error_codes import stack as codes
from meshed_mcp.error_codes.sessions import STORE_NEEDS_REDIS
from meshed_mcp.error_codes.user_credentials import CREDENTIALS_WITHOUT_STORE
from meshed_mcp.infra.config import NAMESPACE, RegistryConfig, ServiceConfig, StackConfig
from meshed_mcp.infra.parsing import parse_stack
from meshed_mcp.infra.planning import autoscaling, nodes
from meshed_mcp.infra.planning.bridge import bridge_args, bridge_issues
from meshed_mcp.infra.planning.dependencies import registry_sidecar_egress_hosts, sidecar_egress_hosts
from meshed_mcp.infra.planning.experiments import experiment_issues, open_experiments, open_faults
from meshed_mcp.infra.planning.tracing import otlp_endpoint, tracing, tracing_issues
from meshed_mcp.infra.validation import browsers, clusters, hosts, policies
from meshed_mcp.infra.validation.accounts import account_issues, account_names
from meshed_mcp.infra.validation.budgets import most_replicas, sidecar_size
from meshed_mcp.infra.validation.calls import call_issues, call_resources
from meshed_mcp.infra.validation.mesh_modes import membership_issues, mode_issues
from meshed_mcp.infra.validation.monitoring import monitoring_issues
from meshed_mcp.infra.validation.networks import network_issues
from meshed_mcp.infra.validation.platforms import platform_issues
from meshed_mcp.infra.validation.signals import signal_issues


class Plan(NamedTuple):
    """Arguments of each component; services by name, in the order of the stack file."""

    mesh: ServiceMeshArgs
    services: dict[str, MeshedMCPServiceArgs]
    observability: ObservabilityStackArgs
    autoscaling: AutoscalingPolicyArgs


def planned(values: Mapping[str, Any], secret_keys: Collection[str] = (), now: datetime | None = None) -> Plan:
    """The plan of a stack's raw values. Without `now`, no window of fault injection is open or over.

    Raises ConfigurationError with every issue.
    """
    config, declared, found = parse_stack(values, secret_keys)
    cross = [] if config is None else list(cross_issues(config, declared, now))
    if found or cross or config is None:
        raise ConfigurationError([*found, *cross])
    return plan(config, now)


def plan(config: StackConfig, now: datetime | None = None) -> Plan:
    """The plan of a valid configuration."""
    services = {name: service_args(config, name, item, now) for name, item in config.services.items()}
    if config.registry is not None:
        services[contract.REGISTRY_NAME] = registry_args(config, config.registry)
    return Plan(mesh_args(config), services, observability_args(config), autoscaling_args(config))


def cross_issues(config: StackConfig, declared: Collection[str], now: datetime | None) -> Iterator[ConfigIssue]:
    """Issues between services and components; `declared` are all services of the stack, invalid ones included."""
    names = [*dict.fromkeys([*config.services, *declared]), *([contract.REGISTRY_NAME] if config.registry else [])]
    for name, item in config.services.items():
        yield from service_issues(name, item, names)
        yield from sharing_issues(config, name, item)
        yield from autoscaling.scaling_issues(config, name, item)
        yield from mode_issues(config, name, item)
        yield from bridge_issues(config, name, item)
    yield from account_issues(config)
    yield from policies.exposure_issues(config)
    yield from membership_issues(config)
    yield from autoscaling.forecast_issues(config)
    yield from autoscaling.deletion_cost_issues(config)
    yield from monitoring_issues(config, names)
    yield from tracing_issues(config, names)
    yield from signal_issues(config)
    yield from policies.policy_issues(config)
    yield from call_issues(config)
    yield from network_issues(config)
    yield from platform_issues(config)
    yield from experiment_issues(config, names, now)
    yield from policies.shared_limit_issues(config)
    yield from policies.claim_issues(config)
    if config.registry is not None:
        yield from registry_issues(config, config.registry)
    yield from clusters.cluster_issues(config)
    yield from hosts.host_issues(config)
    yield from browsers.browser_issues(config)
    if config.namespace == config.observability.namespace:
        yield ConfigIssue("observability", "namespace", codes.NAMESPACE_OF_SERVICES.message())


def service_issues(name: str, item: ServiceConfig, names: list[str]) -> Iterator[ConfigIssue]:
    """Unknown callers, names of Deployments in use, and sticky services that scale to zero."""
    where = f"service {name}"
    for number, caller in enumerate(item.callers):
        if "/" not in caller and caller not in names:
            message = codes.UNKNOWN_SERVICE.message(name=caller, suggested=suggestion(caller, names))
            yield ConfigIssue(where, f"callers[{number}]", message)
    for other in deployments(name, item)[1:]:
        if other in names:
            suffix = other.removeprefix(f"{name}-")
            field = "rollout" if suffix == item.rollout.second else "pools"
            yield ConfigIssue(where, field, codes.DEPLOYMENT_NAME_TAKEN.message(suffix=suffix, other=other))
    if item.legacy is contract.Legacy.STICKY and item.scaling.min_replicas == 0:
        yield ConfigIssue(where, "legacy", codes.STICKY_SCALES_TO_ZERO.message())


def sharing_issues(config: StackConfig, name: str, item: ServiceConfig) -> Iterator[ConfigIssue]:
    """State in `shared_state`, and sessions, for which the stack has no Secret."""
    if item.sessions.in_redis and config.redis is None:
        yield ConfigIssue(f"service {name}", "sessions", STORE_NEEDS_REDIS.message())
    if item.user_credentials is not None and not has_store(item.database, config.redis, item.env):
        yield ConfigIssue(f"service {name}", "user_credentials", CREDENTIALS_WITHOUT_STORE.message())
    if item.scaling.max_replicas == 1 and len(deployments(name, item)) == 1:
        return
    secrets = {
        SharedState.REQUEST_STATE: config.request_state,
        SharedState.SUBSCRIPTIONS: config.redis,
        SharedState.DATABASE: item.database,
    }
    for number, part, why in missing_shared_secrets(item.shared_state, secrets, item.env):
        field = part if item.shared_state[number] is SharedState.DATABASE else f"{NAMESPACE}:{part}"
        message = codes.SHARED_KEY_MISSING.message(use=item.shared_state[number], why=why, field=field)
        yield ConfigIssue(f"service {name}", f"shared_state[{number}]", message)


def registry_issues(config: StackConfig, registry: RegistryConfig) -> Iterator[ConfigIssue]:
    """A service with the registry's name, and replicas of the registry without a database."""
    if contract.REGISTRY_NAME in config.services:
        yield ConfigIssue(f"service {contract.REGISTRY_NAME}", "", codes.REGISTRY_NAME_TAKEN.message())
    if registry.database is None and registry.replicas > 1:
        yield ConfigIssue("registry", "replicas", codes.REGISTRY_DATA_PER_REPLICA.message(replicas=registry.replicas))


def deployments(name: str, item: ServiceSettings) -> list[str]:
    """Names of a service's Deployments: stable version, second version, pools."""
    second = [] if item.rollout.second is None else [f"{name}-{item.rollout.second}"]
    return [name, *second, *(f"{name}-{pool}" for pool in item.pools)]


def placement(config: StackConfig) -> dict[str, Any]:
    """Arguments that all services of a stack share."""
    return {
        "namespace": config.namespace,
        "defaults": config.defaults,
        "accounts": account_names(config),
        "ingress": ingress_ref(config),
        "session_key": config.session_key,
        "previous_session_key": config.previous_session_key,
        "rate_limit_service": policies.rate_limit_service(config),
        "logs": config.logs,
        "otlp_endpoint": otlp_endpoint(config),
        "existing_mesh": existing_mesh(config),
        "monitor_labels": config.observability.monitor_labels,
        "monitoring_namespace": prometheus_namespace(config.observability),
        "revision": None if (revision := injecting_revision(config.mesh)) == DEFAULT_REVISION else revision,
        "mode": config.mesh.mode,
        "dual_stack": config.mesh.dual_stack,
        "remote": isinstance(config.mesh.multi_cluster, Remote),
        "trust_domain": config.mesh.trust_domain,
        "cluster_domain": config.mesh.cluster_domain,
        "platform": config.platform,
        "egress_proxy": stack_proxy(config),
        "ca_bundle": config.ca_bundle,
    }


def stack_proxy(config: StackConfig) -> EgressProxy | None:
    """The proxy of the stack, which no call between its services takes."""
    proxy = config.egress_proxy
    if proxy is None:
        return None
    names = [*config.services, *([contract.REGISTRY_NAME] if config.registry else [])]
    return proxy.model_copy(update={"no_proxy": [*dict.fromkeys([*proxy.no_proxy, *names])]})


def ingress_ref(config: StackConfig) -> IngressRef | None:
    """The ingress gateway of exposed services; None without a mesh."""
    mesh = config.mesh
    if mesh.mode is MeshMode.NONE:
        return None
    principal = gateway_principal(mesh.trust_domain, mesh.gateway)
    return IngressRef(
        gateway=gateway_reference(mesh),
        host=config.domain,
        aliases=[each.host for each in config.domain_aliases],
        scheme=mesh.public_scheme,
        principal=principal,
    )


def existing_mesh(config: StackConfig) -> ExistingMesh | None:
    """What services need to know of an Istio that the stack does not install."""
    mesh = config.mesh
    if mesh.install is ChartInstall.COMPONENT:
        return None
    return ExistingMesh(
        root_namespace=mesh.root_namespace, outbound=mesh.outbound, access_log_provider=mesh.access_log_provider
    )


def service_args(config: StackConfig, name: str, item: ServiceConfig, now: datetime | None) -> MeshedMCPServiceArgs:
    """Arguments of one service: its settings, and those derived from the stack and the time."""
    settings = {field: getattr(item, field) for field in ServiceSettings.model_fields} | {"pools": sized_pools(item)}
    settings["faults"] = open_faults(item, now)
    settings["cors"] = browsers.service_cors(config, item)
    settings["egress_hosts"] = [*dict.fromkeys([*item.egress_hosts, *config.logs.external_hosts])]
    registry_url = f"http://{contract.REGISTRY_NAME}:{contract.MCP_PORT}" if config.registry else None
    return MeshedMCPServiceArgs(
        **settings | {"proxy": item.proxy or sidecar_size(config)},
        **placement(config),
        **bridge_args(config, item),
        sidecar_egress_hosts=sidecar_egress_hosts(config, name, item),
        call_resources=call_resources(config, item),
        scheduling=nodes.scheduling(config, item),
        egress_gateway=config.mesh.egress_gateway is not None,
        replicas=max(1, item.scaling.min_replicas),
        max_replicas=most_replicas(config, item),
        autoscaled=autoscaling.autoscaled_versions(config, name),
        registry_url=registry_url,
        experiments=open_experiments(config, name, now),
        sole_resource=policies.resources_at_domain(config) == [name],
        request_state=config.request_state,
        redis=config.redis,
    )


def sized_pools(item: ServiceConfig) -> dict[str, Pool]:
    """A service's pools with their initial replicas."""
    settings = PoolSettings.model_fields
    return {
        name: Pool(**{field: getattr(pool, field) for field in settings}, replicas=max(1, pool.scaling.min_replicas))
        for name, pool in item.pools.items()
    }


def registry_args(config: StackConfig, registry: RegistryConfig) -> MeshedMCPServiceArgs:
    """Arguments of the registry, which every service of the stack may call."""
    return MeshedMCPServiceArgs(
        image=registry.image,
        command=registry.command,
        path=contract.REGISTRY_PATH,
        callers=list(config.services),
        **({} if config.mesh.mode is MeshMode.NONE else {"methods": ["GET", "POST", "PUT", "DELETE"]}),
        egress_hosts=config.logs.external_hosts,
        egress_gateway=config.mesh.egress_gateway is not None,
        database=registry.database,
        replicas=registry.replicas,
        proxy=sidecar_size(config),
        sidecar_egress_hosts=registry_sidecar_egress_hosts(config, registry),
        cluster_dependencies=registry.cluster_dependencies,
        **pod_settings(registry),
        **placement(config),
    )


def mesh_args(config: StackConfig) -> ServiceMeshArgs:
    """Arguments of the mesh, with tracing, shared limits and egress of its services."""
    place = {"monitoring_namespace": prometheus_namespace(config.observability)}
    if config.mesh.mode is MeshMode.NONE:
        return config.mesh.model_copy(update=place)
    derived = {
        **place,
        "defaults": config.defaults,
        "accounts": account_names(config),
        "hosts": hosts.gateway_hosts(config),
        "shared_limits": policies.shared_limits(config),
        "egress": policies.egress_identities(config),
        "organization_claims": policies.organization_claims(config),
        **key_fetch(config),
    }
    own = {"tracing": tracing(config)} if installs_mesh(config.mesh) else {}
    return config.mesh.model_copy(update={**own, **derived})


def key_fetch(config: StackConfig) -> dict[str, Any]:
    """Proxy and certificates of istiod, if it fetches the keys of an issuer with them."""
    hosts = [host for item in config.services.values() if item.auth for host in key_hosts(item.auth)]
    proxy = config.egress_proxy if proxied_hosts(hosts, config.egress_proxy) else None
    fetches = any(item.auth is not None and item.auth.fetched_urls for item in config.services.values())
    return {"egress_proxy": proxy, "ca_bundle": config.ca_bundle if fetches else None}


def observability_args(config: StackConfig) -> ObservabilityStackArgs:
    """Arguments of monitoring, with the stack's Grafana password and role groups."""
    changes: dict[str, Any] = {}
    if config.grafana_admin_password is not None:
        changes["admin_password"] = config.grafana_admin_password
    login = config.observability.grafana.login
    if login is not None and not login.groups:
        groups = {role.value: config.access.for_role(role) for role in Role if config.access.for_role(role)}
        changes["login"] = login.model_copy(update={"groups": groups})
    if (exposure := grafana_exposure(config)) is not None:
        changes["expose"] = exposure
    grafana = config.observability.grafana.model_copy(update=changes)
    prometheus = config.observability.prometheus.model_copy(update={"readers": prometheus_readers(config)})
    place = {
        "cluster_domain": config.mesh.cluster_domain,
        "defaults": config.defaults,
        "istio_namespace": config.mesh.root_namespace,
        "mesh": config.mesh.mode is not MeshMode.NONE,
    }
    return config.observability.model_copy(update={"grafana": grafana, "prometheus": prometheus, **place})


def grafana_exposure(config: StackConfig) -> GrafanaExposure | None:
    """Exposure of Grafana; at an existing gateway that of the mesh, unless the stack names another."""
    exposure, gateway = config.observability.grafana.expose, config.mesh.gateway
    if exposure is None or gateway.install is ChartInstall.COMPONENT:
        return exposure
    derived = {
        "gateway_namespace": gateway.namespace,
        "gateway_selector": gateway.selector,
        "object_namespace": config.observability.namespace,
    }
    given = exposure.model_fields_set
    return exposure.model_copy(update={field: value for field, value in derived.items() if field not in given})


def prometheus_readers(config: StackConfig) -> list[str]:
    """Clients of Prometheus in other namespaces: those that the stack names, KEDA and the fast scaler."""
    keda = [] if config.keda.install is OptionalInstall.NONE else [config.keda.namespace]
    fast_scaler = [] if config.keda.fast_scaler is None else [f"{config.namespace}/{AGENT_NAME}"]
    return list(dict.fromkeys([*config.observability.prometheus.readers, *keda, *fast_scaler]))


def autoscaling_args(config: StackConfig) -> AutoscalingPolicyArgs:
    """Arguments of autoscaling: targets whose bounds differ, or all with a VPA."""
    targets = {
        name: item for service in config.services for name, item in autoscaling.scaling_targets(config, service).items()
    }
    is_sized = config.vpa.install is not OptionalInstall.NONE
    return AutoscalingPolicyArgs(
        targets={name: target for name, target in targets.items() if target.scales or is_sized},
        namespace=config.namespace,
        prometheus_url=prometheus_url(config.observability),
        monitor_labels=config.observability.monitor_labels,
        rule_labels=config.observability.rule_labels,
        forecast=config.forecast,
        alerts=config.observability.alerts,
        runbooks_url=config.observability.runbooks_url,
        dashboards_url=grafana_address(config.observability),
        keda=config.keda,
        deletion_cost=config.deletion_cost,
        vpa=config.vpa,
        **nodes.node_args(config),
        defaults=config.defaults,
        chart_mirror=config.chart_mirror,
        cluster_platform=config.platform,
    )
