"""Retries of requests that never reached a server process, such as one that was just killed.

Only the destination's sidecar knows that its connection to the process was refused and nothing was sent. It marks its
503 with a header, and callers' proxies retry marked responses.
Source: Envoy, "Response flags", `UF`; a connection that breaks after a request was sent is `UC` and is not marked.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

ENVOY_FILTER: Final = "networking.istio.io/v1alpha3"
"""Source: Istio 1.31 CRDs, the only version of EnvoyFilter."""

RETRIABLE_HEADER_NAMES: Final = "x-envoy-retriable-header-names"
"""Request header that names the header for `retriable-headers`; the proxy removes it. Source: Envoy, router filter."""

RETRIABLE_HEADERS: Final = "retriable-headers"
"""Condition in `retryOn`. Source: Envoy, router filter, `x-envoy-retry-on`."""

CONNECTION_FAILURE: Final = "UF"
MANAGER: Final = "envoy.filters.network.http_connection_manager"
MANAGER_TYPE: Final = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)


def connect_failure_filter(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """EnvoyFilter that marks responses in the sidecars of the service's pods. Source: Envoy, `LocalReplyConfig`."""
    header = {"key": contract.CONNECT_FAILURE_HEADER, "value": "true"}
    mapper = {
        "filter": {"response_flag_filter": {"flags": [CONNECTION_FAILURE]}},
        "headers_to_add": [{"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }
    return local_reply_filter(name, args, "connect-failure", [mapper])


def local_reply_filter(name: str, args: MeshedMCPServiceArgs, suffix: str, mappers: list[Manifest]) -> Manifest:
    """EnvoyFilter `<name>-<suffix>` that maps local replies in the sidecars of the service's pods.

    Mappers of several filters are one list. Source: Istio API, EnvoyFilter `MERGE`: as protobuf merges lists.
    """
    config = {"typed_config": {"@type": MANAGER_TYPE, "local_reply_config": {"mappers": mappers}}}
    patch = {
        "applyTo": "NETWORK_FILTER",
        "match": {"context": "SIDECAR_INBOUND", "listener": {"filterChain": {"filter": {"name": MANAGER}}}},
        "patch": {"operation": "MERGE", "value": config},
    }
    spec = {"workloadSelector": {"labels": {contract.LABEL_APP: name}}, "configPatches": [patch]}
    meta = metadata(f"{name}-{suffix}", args.namespace, standard_labels(name))
    return manifest(ENVOY_FILTER, "EnvoyFilter", meta, spec)


def before_router(http_filter: Manifest, context: str = "SIDECAR_INBOUND") -> Manifest:
    """The patch of an EnvoyFilter that inserts an HTTP filter before the router."""
    last = {"filter": {"name": MANAGER, "subFilter": {"name": "envoy.filters.http.router"}}}
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": context, "listener": {"filterChain": last}},
        "patch": {"operation": "INSERT_BEFORE", "value": http_filter},
    }


def with_connect_failure_retries(rules: list[Manifest], args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The rules with retries of marked responses; unchanged in ambient mode, where no sidecar marks any."""
    return rules if args.mode is MeshMode.AMBIENT else [_with_retry_condition(rule) for rule in rules]


def _with_retry_condition(rule: Manifest) -> Manifest:
    retries, headers = rule["retries"], rule.get("headers", {})
    request = {"set": {RETRIABLE_HEADER_NAMES: contract.CONNECT_FAILURE_HEADER}}
    response = {**headers.get("response", {}), "remove": [contract.CONNECT_FAILURE_HEADER]}
    marked = {**retries, "retryOn": f"{retries['retryOn']},{RETRIABLE_HEADERS}"}
    return {**rule, "retries": marked, "headers": {**headers, "request": request, "response": response}}
