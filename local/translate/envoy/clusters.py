"""DestinationRules as Envoy clusters: load balancing, pools, outlier detection, mTLS; defaults of istiod. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from meshed_mcp.local.translate.envoy.api import Message, duration, present, socket_address, typed
from meshed_mcp.local.translate.envoy.load_balancing import assignment, balancing, weighted
from meshed_mcp.local.translate.envoy.tls import KeyFiles, client_tls
from meshed_mcp.local.translate.objects.destination_rule import (
    ConnectionPool,
    DestinationRule,
    LoadBalancer,
    OutlierDetection,
    TrafficPolicy,
)
from meshed_mcp.local.translate.objects.envoy_filter import EnvoyFilter, HTTPFilterPatch
from meshed_mcp.local.translate.objects.rate_limit import RateLimit
from meshed_mcp.local.translate.objects.workload import Service
from meshed_mcp.local.translate.topology import INBOUND_PORT, Pod, Topology, service_port

UNLIMITED: Final = 2**32 - 1
"""Source: istiod, default circuit breaker thresholds."""

CONNECT_TIMEOUT: Final = "10s"
"""Source: Istio MeshConfig, default of `connectTimeout`."""

RATE_LIMIT_SERVICE: Final = ("127.0.0.1", 8081)
"""Rate limit service of this machine. Source: github.com/envoyproxy/ratelimit, default of GRPC_PORT."""

PROTOCOL_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def cluster_name(topology: Topology, service: Service, subset: str | None) -> str:
    """Name of a cluster as in istiod: `outbound|8000|stable|mcp-rag.mcp-system.svc.cluster.local`."""
    return f"outbound|{service_port(service).port}|{subset or ''}|{topology.fqdn(service)}"


def outbound_clusters(topology: Topology, namespace: str, files: KeyFiles, locality: str = "") -> list[Message]:
    """A cluster per Service and per subset for a client in a namespace and locality."""
    clusters: list[Message] = []
    for service in topology.stack.services:
        rule = destination_rule(topology, service, namespace)
        policy = policy_of(rule, None)
        pods, draining = topology.behind(service), topology.draining(service)
        host = topology.fqdn(service)
        tls = client_tls(files, topology.identities(service, {}), host)
        whole = _cluster(cluster_name(topology, service, None), tls, policy, pods, locality)
        clusters.append(_with_draining(whole, service, draining))
        for subset in rule.spec.subsets if rule else ():
            chosen = [pod for pod in pods if subset.labels.items() <= pod.labels.items()]
            name = cluster_name(topology, service, subset.name)
            tls = client_tls(files, topology.identities(service, subset.labels), host)
            clusters.append(_cluster(name, tls, policy_of(rule, subset.name), chosen, locality))
    return clusters


def _with_draining(cluster: Message, service: Service, draining: Sequence[Pod]) -> Message:
    """The cluster with terminating pods, for requests that name them. Source: istiod, SupportsDrainingEndpoints."""
    if not service.keeps_draining:
        return cluster
    statuses = ["HEALTHY", "DRAINING", "UNKNOWN", "DEGRADED"]
    name = cluster["name"]
    ending = endpoints(name, [(pod.address, INBOUND_PORT) for pod in draining])["endpoints"][0]["lb_endpoints"]
    first, *others = cluster["load_assignment"]["endpoints"]
    hosts = [*first["lb_endpoints"], *({**host, "health_status": "DRAINING"} for host in ending)]
    return {
        **cluster,
        "common_lb_config": {**cluster["common_lb_config"], "override_host_status": {"statuses": statuses}},
        "load_assignment": {"cluster_name": name, "endpoints": [first | {"lb_endpoints": hosts}, *others]},
    }


def destination_rule(topology: Topology, service: Service, namespace: str) -> DestinationRule | None:
    """The rule of a Service for a client in `namespace`: of its own namespace, else of the Service's."""
    rules = [
        rule
        for rule in topology.stack.destination_rules
        if topology.resolved(rule.spec.host, rule.namespace) == topology.fqdn(service)
        and visible(rule.spec.export_to, rule.namespace, namespace)
    ]
    return min(rules, key=lambda each: (each.namespace != namespace, each.namespace != service.namespace), default=None)


def visible(export_to: Iterable[str], owner: str, client: str) -> bool:
    """Whether an object of namespace `owner` applies to a client. Source: Istio, field `exportTo`."""
    return any(scope in ("*", client) or (scope == "." and owner == client) for scope in export_to)


def policy_of(rule: DestinationRule | None, subset: str | None) -> TrafficPolicy:
    """Policy of a host with the settings of a subset. Source: Istio DestinationRule, field `subsets`."""
    if rule is None:
        return TrafficPolicy()
    override = next((each.traffic_policy for each in rule.spec.subsets if each.name == subset), TrafficPolicy())
    changed = {name: getattr(override, name) for name in override.model_fields_set}
    return rule.spec.traffic_policy.model_copy(update=changed)


def _cluster(name: str, tls: Message, policy: TrafficPolicy, pods: Sequence[Pod], locality: str) -> Message:
    localities = (policy.load_balancer or LoadBalancer()).locality_lb_setting
    replicas = [(pod.address, INBOUND_PORT, pod.locality) for pod in pods]
    outlier = policy.outlier_detection
    return {
        "name": name,
        "type": "STATIC",
        **balancing(policy.load_balancer),
        "load_assignment": assignment(name, replicas, locality, localities, detects=outlier is not None),
        "transport_socket": tls,
        "common_lb_config": {
            "healthy_panic_threshold": {"value": outlier.min_health_percent if outlier else 0},
            **weighted(localities, locality),
        },
        **_pool(policy.connection_pool or ConnectionPool()),
        **({"outlier_detection": _outlier_detection(outlier)} if outlier else {}),
    }


def endpoints(cluster: str, addresses: Iterable[tuple[str, int]]) -> Message:
    """Static endpoints of a cluster."""
    hosts = [{"endpoint": {"address": socket_address(address, port)}} for address, port in addresses]
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": hosts}]}


def dns_cluster(name: str, host: str, port: int, **fields: object) -> Message:
    """A cluster of one host, which Envoy resolves; proxies start without it."""
    return {
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": CONNECT_TIMEOUT,
        "wait_for_warm_on_init": False,
        "load_assignment": endpoints(name, [(host, port)]),
        **fields,
    }


def _pool(pool: ConnectionPool) -> Message:
    limits = {
        "max_connections": pool.tcp.max_connections,
        "max_pending_requests": pool.http.http1_max_pending_requests,
        "max_requests": pool.http.http2_max_requests,
        "max_retries": pool.http.max_retries,
    }
    thresholds = {name: UNLIMITED if value is None else value for name, value in limits.items()}
    return {
        "connect_timeout": duration(pool.tcp.connect_timeout or CONNECT_TIMEOUT),
        "circuit_breakers": {"thresholds": [{**thresholds, "track_remaining": True}]},
        "typed_extension_protocol_options": {PROTOCOL_OPTIONS: _http_options(pool)},
        **_keepalive(pool),
    }


def _http_options(pool: ConnectionPool) -> Message:
    idle = pool.http.idle_timeout or pool.tcp.idle_timeout
    lifetime = pool.tcp.max_connection_duration
    common = present(
        idle_timeout=duration(idle) if idle else None,
        max_connection_duration=duration(lifetime) if lifetime else None,
        max_requests_per_connection=pool.http.max_requests_per_connection or None,
    )
    return typed(
        "extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config={"http_protocol_options": {}},
        common_http_protocol_options=common,
    )


def _keepalive(pool: ConnectionPool) -> Message:
    keepalive = pool.tcp.tcp_keepalive
    if keepalive is None:
        return {}
    settings = present(
        keepalive_probes=keepalive.probes,
        keepalive_time=_whole_seconds(keepalive.time),
        keepalive_interval=_whole_seconds(keepalive.interval),
    )
    return {"upstream_connection_options": {"tcp_keepalive": settings}}


def _whole_seconds(go_duration: str | None) -> int | None:
    return None if go_duration is None else int(float(duration(go_duration)[:-1]))


def _outlier_detection(outlier: OutlierDetection) -> Message:
    """Source: istiod, applyOutlierDetection."""
    return present(
        consecutive_5xx=outlier.consecutive_5xx_errors,
        enforcing_consecutive_5xx=_enforced(outlier.consecutive_5xx_errors),
        consecutive_gateway_failure=outlier.consecutive_gateway_errors,
        enforcing_consecutive_gateway_failure=_enforced(outlier.consecutive_gateway_errors),
        split_external_local_origin_errors=outlier.split_external_local_origin_errors or None,
        consecutive_local_origin_failure=outlier.consecutive_local_origin_failures,
        enforcing_consecutive_local_origin_failure=_enforced(outlier.consecutive_local_origin_failures),
        enforcing_success_rate=0,
        interval=duration(outlier.interval),
        base_ejection_time=duration(outlier.base_ejection_time),
        max_ejection_percent=outlier.max_ejection_percent,
    )


def _enforced(count: int | None) -> int | None:
    return None if count is None else 100 * (count > 0)


def rate_limit_clusters(filters: Iterable[EnvoyFilter]) -> list[Message]:
    """A cluster per cluster name in a rate limit filter."""
    names = {
        patch.patch.value.typed_config.rate_limit_service.grpc_service.envoy_grpc.cluster_name
        for owner in filters
        for patch in owner.spec.config_patches
        if isinstance(patch, HTTPFilterPatch) and isinstance(patch.patch.value.typed_config, RateLimit)
    }
    http2 = {"@type": f"type.googleapis.com/{PROTOCOL_OPTIONS}", "explicit_http_config": {"http2_protocol_options": {}}}
    shared = {"connect_timeout": CONNECT_TIMEOUT, "typed_extension_protocol_options": {PROTOCOL_OPTIONS: http2}}
    return [
        {"name": name, "type": "STATIC", **shared, "load_assignment": endpoints(name, [RATE_LIMIT_SERVICE])}
        for name in sorted(names)
    ]
