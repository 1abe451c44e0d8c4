"""Configuration of one Envoy: a sidecar or the gateway. Defaults are those of istiod. Pure."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.local.translate.envoy.api import Message, extension, socket_address
from meshed_mcp.local.translate.envoy.clusters import endpoints, outbound_clusters, rate_limit_clusters
from meshed_mcp.local.translate.envoy.cors import CORS_FILTER
from meshed_mcp.local.translate.envoy.gateway import (
    egress_clusters,
    egress_virtual_hosts,
    gateway_identity,
    gateway_virtual_hosts,
)
from meshed_mcp.local.translate.envoy.patches import (
    GATEWAY,
    INBOUND,
    SIDECAR,
    added_clusters,
    inserted_filters,
    inserted_routes,
    local_replies,
    patched_hosts,
)
from meshed_mcp.local.translate.envoy.routes import FAULT_FILTER, NO_TIMEOUT, mesh_virtual_hosts
from meshed_mcp.local.translate.envoy.security import jwt_filters, most_specific, policies_for, rbac_filters
from meshed_mcp.local.translate.envoy.statistics import statistics
from meshed_mcp.local.translate.envoy.telemetry import (
    Collector,
    access_log,
    collector_clusters,
    sampling_percent,
    tracing,
)
from meshed_mcp.local.translate.envoy.tls import KeyFiles, server_tls
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.topology import ADMIN_PORT, INBOUND_PORT, LOOPBACK, OUTBOUND_PORT, Pod, Topology

HCM: Final = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER: Final = extension("envoy.filters.http.router", "extensions.filters.http.router.v3.Router")
TLS_INSPECTOR: Final = extension(
    "envoy.filters.listener.tls_inspector", "extensions.filters.listener.tls_inspector.v3.TlsInspector"
)

SOURCE: Final = {"source_address": {"address": contract.SIDECAR_ADDRESSES[0], "port_value": 0}}
"""Source address of a sidecar, by which the process trusts it."""


def sidecar(topology: Topology, pod: Pod, files: KeyFiles, collector: Collector | None = None) -> Message:
    """Inbound: mTLS and policies. Outbound: an HTTP proxy with the routes of the mesh."""
    application = f"inbound|{pod.port}||"
    percent = sampling_percent(topology.stack.telemetries, pod.namespace, pod.labels)
    logged = access_log(topology.stack.telemetries, pod.namespace, pod.labels)
    traced = logged | tracing(collector, f"{pod.deployment.name}.{pod.namespace}", percent)
    own = {"name": application, "alt_stat_name": f"{application};"}
    clusters = [
        *(_process(each, pod) for each in (own, *added_clusters(topology, pod.namespace, pod.labels))),
        *outbound_clusters(topology, pod.namespace, files, pod.locality),
        *egress_clusters(topology, pod.namespace),
        *rate_limit_clusters(topology.stack.envoy_filters),
        *collector_clusters(collector),
    ]
    listeners = [_inbound(topology, pod, files, application, traced), _outbound(topology, pod, traced)]
    node = {"id": f"sidecar~{pod.address}~{pod.name}.{pod.namespace}", "cluster": f"{pod.name}.{pod.namespace}"}
    exported = statistics(pod.deployment.spec.template.metadata.annotations)
    return _bootstrap(node, pod.address, listeners, clusters) | exported


def ingress(
    topology: Topology, gateway: Gateway, files: KeyFiles, port: int, admin: str, *, collector: Collector | None = None
) -> Message:
    """The gateway: plain HTTP on 127.0.0.1:`port`, mTLS to the sidecars, the admin interface on address `admin`."""
    identity = gateway_identity(gateway, topology.trust_domain)
    labels = gateway.spec.selector
    policies = policies_for(topology.stack.authorization_policies, identity.namespace, labels)
    percent = sampling_percent(topology.stack.telemetries, identity.namespace, labels)
    manager = _connections(
        "ingress",
        patched_hosts(topology, identity.namespace, GATEWAY, labels, gateway_virtual_hosts(topology, gateway, port)),
        [
            *rbac_filters(policies, port),
            FAULT_FILTER,
            CORS_FILTER,
            *inserted_filters(topology, identity.namespace, GATEWAY, labels),
        ],
        forward_client_cert_details="SANITIZE",
        use_remote_address=True,
        **access_log(topology.stack.telemetries, identity.namespace, labels),
        **tracing(collector, f"{identity.service_account}.{identity.namespace}", percent),
    )
    listener = _listener("ingress", LOOPBACK, port, [{"filters": [manager]}])
    node = {"id": f"router~{LOOPBACK}~{gateway.name}.{gateway.namespace}", "cluster": gateway.name}
    clusters = [
        *outbound_clusters(topology, identity.namespace, files, topology.localities[0]),
        *collector_clusters(collector),
    ]
    return _bootstrap(node, admin, [listener], clusters)


def accepts_plaintext(topology: Topology, pod: Pod) -> bool:
    """Whether a workload accepts plaintext: by the most specific PeerAuthentication, else PERMISSIVE."""
    chosen = most_specific(topology.stack.peer_authentications, pod.namespace, pod.labels)
    return chosen is None or chosen.spec.mtls.mode == "PERMISSIVE"


def _inbound(topology: Topology, pod: Pod, files: KeyFiles, application: str, traced: Message) -> Message:
    policies = policies_for(topology.stack.authorization_policies, pod.namespace, pod.labels)
    authentications = policies_for(topology.stack.request_authentications, pod.namespace, pod.labels)
    everything = {"match": {"prefix": "/"}, "route": {"cluster": application, "timeout": NO_TIMEOUT}}
    routes = [*inserted_routes(topology, pod.namespace, application, pod.labels), everything]
    manager = _connections(
        "inbound",
        [{"name": "inbound", "domains": ["*"], "routes": routes}],
        [
            *jwt_filters(authentications),
            *rbac_filters(policies, pod.port),
            *inserted_filters(topology, pod.namespace, INBOUND, pod.labels),
        ],
        # Istio's default for sidecars: the last element is the peer, the peer claims earlier ones.
        forward_client_cert_details="APPEND_FORWARD",
        set_current_client_cert_details={"subject": True, "dns": True, "uri": True},
        **local_replies(topology, pod.namespace, INBOUND, pod.labels),
        **traced,
    )
    mtls, filters = {"transport_socket": server_tls(files, topology.trust_domain)}, [manager]
    chains = [{"filter_chain_match": {"transport_protocol": "tls"}, **mtls, "filters": filters}]
    if accepts_plaintext(topology, pod):
        chains.append({"filter_chain_match": {"transport_protocol": "raw_buffer"}, "filters": filters})
    inbound = {"traffic_direction": "INBOUND", "listener_filters": [TLS_INSPECTOR]}
    return _listener("virtualInbound", pod.address, INBOUND_PORT, chains, **inbound)


def _outbound(topology: Topology, pod: Pod, traced: Message) -> Message:
    known = [*mesh_virtual_hosts(topology, pod.namespace), *egress_virtual_hosts(topology, pod.namespace)]
    hosts = patched_hosts(topology, pod.namespace, SIDECAR, pod.labels, known)
    filters = [FAULT_FILTER, CORS_FILTER, *inserted_filters(topology, pod.namespace, SIDECAR, pod.labels)]
    manager = _connections("outbound", hosts, filters, upgrade_configs=[{"upgrade_type": "CONNECT"}], **traced)
    chains = [{"filters": [manager]}]
    return _listener("virtualOutbound", pod.address, OUTBOUND_PORT, chains, traffic_direction="OUTBOUND")


def _process(cluster: Message, pod: Pod) -> Message:
    process = endpoints(cluster["name"], [(pod.server_address, pod.port)])
    return {**cluster, "type": "STATIC", "load_assignment": process, "upstream_bind_config": SOURCE}


def _listener(name: str, address: str, port: int, chains: list[Message], **more: object) -> Message:
    """A listener without port reuse, so that two runs cannot share the gateway's port. Source: Envoy, Listener."""
    where = socket_address(address, port)
    return {"name": name, "address": where, "enable_reuse_port": False, "filter_chains": chains, **more}


def _connections(name: str, virtual_hosts: list[Message], filters: list[Message], **more: object) -> Message:
    return extension(
        "envoy.filters.network.http_connection_manager",
        HCM,
        stat_prefix=name,
        route_config={"name": name, "virtual_hosts": virtual_hosts},
        http_filters=[*filters, ROUTER],
        # Streams may be idle for longer than Envoy's default of five minutes. Source: istiod, streamIdleTimeout 0s.
        stream_idle_timeout=NO_TIMEOUT,
        normalize_path=True,
        server_header_transformation="PASS_THROUGH",
        **more,
    )


def _bootstrap(node: Message, address: str, listeners: list[Message], clusters: list[Message]) -> Message:
    return {
        "node": node,
        "admin": {"address": socket_address(address, ADMIN_PORT)},
        "static_resources": {"listeners": listeners, "clusters": clusters},
    }
