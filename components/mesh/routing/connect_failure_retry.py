"""Calls that never reached a server's process, such as one that was just killed, are sent to another replica.

The called sidecar alone knows that its connection to the process was refused, so that nothing was sent; to callers it
is a 503 as any other, which none may repeat. It marks that answer, and callers repeat marked answers. A service's
name and arguments in, one EnvoyFilter and parts of route rules out. Not here: other conditions (tool_routes.py).
Source: Envoy, "Response flags", `UF`; a connection that breaks after a request was sent is `UC` and is not marked.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

ENVOY_FILTER: Final = "networking.istio.io/v1alpha3"
"""Source: Istio 1.31 CRDs, the only version of EnvoyFilter."""

CONNECT_FAILURE_HEADER: Final = "x-mcp-connect-failure"
"""Header of such an answer. A server that set it itself would have its own calls repeated."""

NAMED_BY: Final = "x-envoy-retriable-header-names"
"""Tells the caller's proxy which header; a VirtualService has no field for it, and the proxy takes it off.

Source: Envoy, router filter.
"""

MARKED: Final = "retriable-headers"
"""The condition in `retryOn`. Source: Envoy, router filter, `x-envoy-retry-on`."""

CONNECTION_FAILURE: Final = "UF"
MANAGER: Final = "envoy.filters.network.http_connection_manager"
MANAGER_TYPE: Final = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)


def marking_filter(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """Marks the answers in the sidecars of the service's pods. Source: Envoy, `LocalReplyConfig`."""
    header = {"key": CONNECT_FAILURE_HEADER, "value": "true"}
    mapper = {
        "filter": {"response_flag_filter": {"flags": [CONNECTION_FAILURE]}},
        "headers_to_add": [{"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }
    patch = {
        "applyTo": "NETWORK_FILTER",
        "match": {"context": "SIDECAR_INBOUND", "listener": {"filterChain": {"filter": {"name": MANAGER}}}},
        "patch": {
            "operation": "MERGE",
            "value": {"typed_config": {"@type": MANAGER_TYPE, "local_reply_config": {"mappers": [mapper]}}},
        },
    }
    spec = {"workloadSelector": {"labels": {contract.LABEL_APP: name}}, "configPatches": [patch]}
    meta = metadata(f"{name}-connect-failure", args.namespace, standard_labels(name))
    return manifest(ENVOY_FILTER, "EnvoyFilter", meta, spec)


def with_connect_failure_retries(rules: list[Manifest], args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The rules, each of which repeats marked answers; unchanged where no sidecar marks any."""
    return rules if args.mode is MeshMode.AMBIENT else [_repeated(rule) for rule in rules]


def _repeated(rule: Manifest) -> Manifest:
    retries, headers = rule["retries"], rule.get("headers", {})
    response = {**headers.get("response", {}), "remove": [CONNECT_FAILURE_HEADER]}
    return {
        **rule,
        "retries": {**retries, "retryOn": f"{retries['retryOn']},{MARKED}"},
        "headers": {**headers, "request": {"set": {NAMED_BY: CONNECT_FAILURE_HEADER}}, "response": response},
    }
