"""Separate Envoy cluster for the open streams of a server without the runtime, so that they do not count as its load.

A sidecar counts requests per Envoy cluster. Clients hold streams of server-sent events open without work in the server:
GET (up to revision 2025-11-25) and `subscriptions/listen` (from 2026-07-28 on). Both clusters lead to the same port; a
proxy that ignores the patches counts streams as requests.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.routing.connect_failure_retry import ENVOY_FILTER
from meshed_mcp.components.mesh.routing.destination_rule_args import Connections
from meshed_mcp.components.mesh.service.addresses import service_host
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

INBOUND: Final = "SIDECAR_INBOUND"
METHOD_HEADER: Final = "mcp-method"
"""Header with the method of a message. Source: MCP 2026-07-28, "Streamable HTTP", standard headers."""

LISTEN: Final = "subscriptions/listen"
"""Source: MCP 2026-07-28, "Subscriptions"."""

UNLIMITED: Final = 4_294_967_295
"""istiod's limit where a DestinationRule sets none. Envoy's own defaults are 1,024 connections and requests."""

RETRIES: Final = {"retry_on": "reset-before-request", "num_retries": 2}
NO_TIMEOUT: Final = "0s"
"""Source: istiod, default route of inbound listeners."""


def inbound_stream_filters(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The EnvoyFilter of a server without the runtime; none otherwise, as the runtime itself tells streams apart."""
    if args.has_runtime:
        return []
    matches = ({":method": "GET"}, {METHOD_HEADER: LISTEN})
    patches = [cluster_patch(args.traffic.connections), *(route_patch(name, args, headers) for headers in matches)]
    spec = {"workloadSelector": {"labels": {contract.LABEL_APP: name}}, "configPatches": patches}
    meta = metadata(f"{name}-streams", args.namespace, standard_labels(name))
    return [manifest(ENVOY_FILTER, "EnvoyFilter", meta, spec)]


def cluster_patch(connections: Connections) -> Manifest:
    """A cluster to the port that the client addressed, from the source address that traffic capture lets pass.

    Its limits are those of the inbound cluster, which follow from the DestinationRule too. Source: istiod, inbound
    clusters; Envoy, BindConfig, `extra_source_addresses` for the other IP family.
    """
    address, other = ({"address": each, "port_value": 0} for each in contract.SIDECAR_ADDRESSES)
    limits = {
        "max_connections": connections.streams,
        "max_pending_requests": connections.pending_requests,
        "max_requests": connections.streams,
        "max_retries": UNLIMITED,
    }
    value = {
        "name": contract.STREAMS_CLUSTER,
        "alt_stat_name": f"{contract.STREAMS_CLUSTER};",  # the delimiter from which Istio's proxy takes the label
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": f"{connections.connect_seconds}s",
        "circuit_breakers": {"thresholds": [limits]},
        "upstream_bind_config": {"source_address": address, "extra_source_addresses": [{"address": other}]},
    }
    return {
        "applyTo": "CLUSTER",
        "match": {"context": INBOUND},
        "patch": {"operation": "ADD", "value": value},
    }


def route_patch(name: str, args: MeshedMCPServiceArgs, headers: dict[str, str]) -> Manifest:
    """A route before the default one, for requests to the endpoint with these headers."""
    exact = [{"name": header, "string_match": {"exact": value}} for header, value in headers.items()]
    value = {
        "name": contract.STREAMS_CLUSTER,
        "match": {"prefix": args.path, "headers": exact},
        "route": {"cluster": contract.STREAMS_CLUSTER, "timeout": NO_TIMEOUT, "retry_policy": RETRIES},
        "decorator": {"operation": f"{service_host(name, args)}:{contract.MCP_PORT}/*"},
    }
    return {
        "applyTo": "HTTP_ROUTE",
        "match": {"context": INBOUND, "routeConfiguration": {"name": f"inbound|{args.endpoint_port}||"}},
        "patch": {"operation": "INSERT_FIRST", "value": value},
    }
