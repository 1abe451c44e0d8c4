"""The control: two hand-written Envoys with mutual TLS, one allow-list and one limit.

Takes the certificates of both ends and the server's address. Returns a configuration for the caller's side and one
for the server's side. It has no access log, tracing, outlier detection, pools or routes: the smallest comparable
chain.
"""

from pathlib import Path
from typing import Any, Final

from meshed_mcp.local.translate.envoy.tls import KeyFiles

Message = dict[str, Any]

TYPE: Final = "type.googleapis.com/envoy.extensions"
OUTBOUND_PORT, INBOUND_PORT = 16001, 16006
SIDECAR_SOURCE: Final = {"address": "127.0.0.6", "port_value": 0}
LIMIT: Final = {"max_tokens": 1_000_000, "tokens_per_fill": 1_000_000, "fill_interval": "1s"}
"""Never reached: the benchmark measures the check, not the rejection."""


def caller(address: str, server: str, files: KeyFiles, server_uri: str) -> Message:
    """The caller's side: forwards all requests to the server's side over mutual TLS."""
    tls = {
        "@type": f"{TYPE}.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": _tls(files, server_uri),
    }
    cluster = {
        "name": "server",
        "type": "STATIC",
        "load_assignment": _endpoint("server", server, INBOUND_PORT),
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
    }
    return _envoy(_listener(address, OUTBOUND_PORT, "server", []), cluster)


def server(address: str, application: tuple[str, int], files: KeyFiles, caller_uri: str, tool: str) -> Message:
    """The server's side: allow-list of callers, tools and revisions, a rate limit, then the server."""
    tls = {
        "@type": f"{TYPE}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": _tls(files, caller_uri),
        "require_client_certificate": True,
    }
    listener = _listener(address, INBOUND_PORT, "application", [_allowed(caller_uri, tool), _limited(tool)])
    chain = listener["filter_chains"][0]
    chain["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": tls}
    manager = chain["filters"][0]["typed_config"]
    manager["forward_client_cert_details"] = "APPEND_FORWARD"
    manager["set_current_client_cert_details"] = {"uri": True}
    cluster = {
        "name": "application",
        "type": "STATIC",
        "load_assignment": _endpoint("application", *application),
        "upstream_bind_config": {"source_address": dict(SIDECAR_SOURCE)},
    }
    return _envoy(listener, cluster)


def _allowed(caller_uri: str, tool: str) -> Message:
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-name": tool}
    conditions = [{"header": {"name": name, "string_match": {"exact": value}}} for name, value in headers.items()]
    policy = {
        "permissions": [{"and_rules": {"rules": conditions}}],
        "principals": [{"authenticated": {"principal_name": {"exact": caller_uri}}}],
    }
    rules = {"action": "ALLOW", "policies": {"callers": policy}}
    return {
        "name": "envoy.filters.http.rbac",
        "typed_config": {"@type": f"{TYPE}.filters.http.rbac.v3.RBAC", "rules": rules},
    }


def _limited(tool: str) -> Message:
    limit = {
        "@type": f"{TYPE}.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "limit",
        "token_bucket": dict(LIMIT),
        "filter_enabled": {"default_value": {"numerator": 100}},
        "filter_enforced": {"default_value": {"numerator": 100}},
        "rate_limits": [{"actions": [{"request_headers": {"header_name": "mcp-name", "descriptor_key": "tool"}}]}],
        "descriptors": [{"entries": [{"key": "tool", "value": tool}], "token_bucket": dict(LIMIT)}],
    }
    return {"name": "envoy.filters.http.local_ratelimit", "typed_config": limit}


def _listener(address: str, port: int, cluster: str, filters: list[Message]) -> Message:
    router = {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{TYPE}.filters.http.router.v3.Router"}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "0s"}}
    manager: Message = {
        "@type": f"{TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": cluster,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [*filters, router],
    }
    network = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    return {
        "name": cluster,
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [{"filters": [network]}],
    }


def _tls(files: KeyFiles, peer_uri: str) -> Message:
    names = [{"san_type": "URI", "matcher": {"exact": peer_uri}}]
    return {
        "tls_certificates": [{"certificate_chain": _file(files.chain), "private_key": _file(files.key)}],
        "validation_context": {"trusted_ca": _file(files.root), "match_typed_subject_alt_names": names},
    }


def _file(path: Path) -> Message:
    return {"filename": str(path)}


def _endpoint(cluster: str, address: str, port: int) -> Message:
    host = {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": [host]}]}


def _envoy(listener: Message, cluster: Message) -> Message:
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
