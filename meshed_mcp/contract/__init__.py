"""What the platform and the runtime promise each other: ports, paths, labels, environment variables, metric names.

Imported by `components/` (which renders them) and by `agents/` (which obeys them); neither imports the other.
Only names and numbers that both sides need; a default that one side owns lives there.
"""

from enum import StrEnum
from typing import Final

MCP_PORT: Final = 8000
"""TCP port of the MCP endpoint, plain HTTP/1.1 inside the pod. The port's name is `http`: uvicorn speaks no HTTP/2."""

MCP_PATH: Final = "/mcp"
"""Path of the MCP endpoint. Source: default `streamable_http_path` of the official SDK 2.3."""

MCP_PORT_NAME: Final = "http"
"""Port name; Istio selects the protocol by it. Source: Istio, "Protocol Selection"."""

MANAGEMENT_PORT: Final = 9464
"""TCP port of `/livez`, `/readyz` and `/metrics`, outside the mesh. Source: OpenTelemetry's default Prometheus port."""

MANAGEMENT_PORT_NAME: Final = "http-metrics"
LIVENESS_PATH: Final = "/livez"
READINESS_PATH: Final = "/readyz"
METRICS_PATH: Final = "/metrics"

CONTAINER_NAME: Final = "server"
"""Name of the container that serves; the scaler and the dashboards pick it out from among the sidecars."""

REGISTRY_NAME: Final = "mcp-registry"
"""Name of the registry's Service, ServiceAccount and Deployment."""

RATE_LIMIT_NAME: Final = "mcp-rate-limit"
"""Name of the rate limit service and label `app` of its pods."""

REGISTRY_PATH: Final = "/v0.1"
"""Path prefix of the registry's HTTP interface. Source: official MCP registry API, v0.1."""

SERVICE_NAME_PATTERN: Final = r"^[a-zA-Z]([a-zA-Z0-9_-]*[a-zA-Z0-9])?(\.[a-zA-Z]([a-zA-Z0-9_-]*[a-zA-Z0-9])?)*$"
"""Names of services: what is a host name and the second part of a name in the registry. A Service of Kubernetes is one.

Source: official MCP registry, `ServerDetail.name`; WHATWG URL, "host parsing": a host whose last part begins with a
digit is an IPv4 address."""

NAMESPACE_PATTERN: Final = r"^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$"
"""Namespaces: the first part of a name in the registry. A namespace of Kubernetes is one. Source: as above."""

LABEL_NAME: Final = "app.kubernetes.io/name"
LABEL_PART_OF: Final = "app.kubernetes.io/part-of"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_APP: Final = "app"
"""Istio's and Kiali's workload label. Source: Istio, "Application Requirements", labels `app` and `version`."""

LABEL_VERSION: Final = "version"
"""Label that DestinationRule subsets select by: `stable`, the second version of a rollout, or `pool-<name>`."""

STABLE: Final = "stable"
CANARY: Final = "canary"
GREEN: Final = "green"
VARIANT: Final = "variant"

ENV_SERVICE: Final = "MESHED_MCP_SERVICE"
"""Name of the service, e.g. `mcp-rag`."""

ENV_NAMESPACE: Final = "MESHED_MCP_NAMESPACE"
ENV_BIND_ADDRESS: Final = "MESHED_MCP_BIND_ADDRESS"
"""Address both ports bind to; default 0.0.0.0."""

ENV_PORT: Final = "MESHED_MCP_PORT"
ENV_MANAGEMENT_PORT: Final = "MESHED_MCP_MANAGEMENT_PORT"
ENV_ALLOWED_HOSTS: Final = "MESHED_MCP_ALLOWED_HOSTS"
"""Comma-separated values of the Host header that are served; `name:*` allows every port. Others get 421."""

ENV_PRE_STOP_DELAY_SECONDS: Final = "MESHED_MCP_PRE_STOP_DELAY_SECONDS"
"""Seconds between "not ready" and the end of accepting calls, while endpoints and proxies notice."""

ENV_GRACE_SECONDS: Final = "MESHED_MCP_GRACE_SECONDS"
"""Seconds from SIGTERM to exit at the latest; below the pod's terminationGracePeriodSeconds."""

CLOSING_SECONDS: Final = 2.0
"""Part of the grace period kept for closing connections and the application's own clean-up after the last call: the
grace period must be longer than the endpoint wait and this together, or the process refuses to start."""

ENV_BODY_BYTES: Final = "MESHED_MCP_BODY_BYTES"
ENV_READ_SECONDS: Final = "MESHED_MCP_READ_SECONDS"
ENV_CONCURRENT_CALLS: Final = "MESHED_MCP_CONCURRENT_CALLS"
ENV_QUEUED_CALLS: Final = "MESHED_MCP_QUEUED_CALLS"
ENV_CALL_SECONDS: Final = "MESHED_MCP_CALL_SECONDS"
"""Longest call, its wait in the queue included; unset = `longest_call_seconds`."""

ENV_SESSIONS: Final = "MESHED_MCP_SESSIONS"
ENV_SESSION_IDLE_SECONDS: Final = "MESHED_MCP_SESSION_IDLE_SECONDS"
ENV_ARGUMENT_DEPTH: Final = "MESHED_MCP_ARGUMENT_DEPTH"

BODY_BYTES: Final = 4 * 1024 * 1024
"""Largest request body. Source: default `max_request_body_size` of the official SDK 2.3."""

BODIES_HELD: Final = 16
"""Bodies of the largest size that one replica holds at a time, so that uploads cannot fill a pod: 64 MiB by default."""

READ_SECONDS: Final = 30
"""Longest time for a request's head to arrive, and again for its body: 4 MiB in 30 s is 1.1 Mbit/s."""

CONCURRENT_CALLS: Final = 100
"""Calls that one replica works on at a time."""

QUEUED_CALLS: Final = 100
"""Calls that may wait for a place; one more is answered 503 at once, so that its client turns to another replica."""

SESSIONS: Final = 10_000
"""Sessions of clients up to 2025-11-25 in one replica. Source: default `max_sessions` of the official SDK 2.3."""

SESSION_IDLE_SECONDS: Final = 30 * 60
"""A session without any request for so long is forgotten; its id then answers 404. Source: official SDK 2.3, default
`session_idle_timeout`."""

ARGUMENT_DEPTH: Final = 64
"""Deepest nesting of arrays and objects in a call's parameters. The SDK's two JSON parsers give up at 200 and at about
900; recursive code of a tool gives up somewhere before."""


def longest_call_seconds(pre_stop_delay_seconds: float, grace_seconds: float) -> float:
    """How long a call may take so that the stop of a pod, however it coincides, never cuts it."""
    return grace_seconds - pre_stop_delay_seconds - CLOSING_SECONDS


ENV_REGISTRY_URL: Final = "MESHED_MCP_REGISTRY_URL"
"""Base URL of the registry, without the `/v0.1` prefix; unset = the service does not register."""

ENV_DATA_DIR: Final = "MESHED_MCP_DATA_DIR"
"""Folder a service may write to, an emptyDir mounted at DATA_PATH; the root file system is read-only."""

DATA_PATH: Final = "/data"

ENV_DATABASE_URL: Final = "MESHED_MCP_DATABASE_URL"
"""SQLAlchemy URL; unset = a SQLite file in the data folder, so one replica only."""

ENV_REPLICATED: Final = "MESHED_MCP_REPLICATED"
"""`true` = the next request may reach another pod, so what must outlive a request needs a place that all pods share."""

ENV_REQUEST_STATE_KEYS: Final = "MESHED_MCP_REQUEST_STATE_KEYS"
"""Keys that seal the state of calls in several rounds, the same in every pod: one per line, the sealing one first."""

ENV_REDIS_URL: Final = "MESHED_MCP_REDIS_URL"
"""Redis over which the pods of one service tell each other what changed; unset = each tells its own listeners only."""

ENV_LEGACY: Final = "MESHED_MCP_LEGACY"
"""How clients of revisions up to 2025-11-25 are served: a value of `Legacy`."""


class Legacy(StrEnum):
    """How clients of MCP revisions up to 2025-11-25 are served; those of 2026-07-28 and later need no session."""

    STATELESS = "stateless"
    """Without a session: any replica answers, and the server cannot ask the client back (sampling, elicitation)."""

    STICKY = "sticky"
    """With a session in one replica's memory; the mesh brings each of its requests to that replica."""

    OFF = "off"
    """Refused, with the error that names the revisions served."""


SESSION_HEADER: Final = "mcp-session-id"
"""Carries the session of clients up to 2025-11-25. Source: MCP 2025-11-25, "Session Management"."""

ENV_TRUSTED_PROXIES: Final = "MESHED_MCP_TRUSTED_PROXIES"
"""Comma-separated addresses of this pod's sidecar: whoever connects from there may say who called
(x-forwarded-client-cert). Unset = nobody, the header is dropped."""

SIDECAR_ADDRESSES: Final = ("127.0.0.6", "::6")
"""Where a sidecar connects to its application from. Source: istiod, bind address of inbound clusters."""

ANY_PROXY: Final = "*"
"""In place of addresses where the mesh lets nobody but its own proxy connect: the waypoint of ambient mode, whose pods
come and go. Source: Istio, "Use Layer 4 security policy"."""

ENV_TOOL_POLICY: Final = "MESHED_MCP_TOOL_POLICY"
"""JSON, tool or `*` -> {"allow": [mesh identity or issuer/subject], "scopes": [scope]}; both fields optional."""

ENV_AUTH_ISSUER: Final = "MESHED_MCP_AUTH_ISSUER"
"""URL of the issuer of tokens, as in their `iss`; unset = no tokens. Needs the audience and the keys' URL too."""

ENV_AUTH_AUDIENCE: Final = "MESHED_MCP_AUTH_AUDIENCE"
"""URL of this resource, as clients name it and as tokens have it in `aud`. Source: RFC 8707, RFC 9728."""

ENV_AUTH_JWKS_URL: Final = "MESHED_MCP_AUTH_JWKS_URL"
ENV_AUTH_JWKS: Final = "MESHED_MCP_AUTH_JWKS"
"""The issuer's public keys as JSON, in place of their URL. Source: RFC 7517, section 5."""

ENV_AUTH_SCOPES: Final = "MESHED_MCP_AUTH_SCOPES"
"""Comma-separated scopes that every token must have."""

PROTECTED_RESOURCE_PATH: Final = "/.well-known/oauth-protected-resource"
"""Before the resource's own path: where clients learn the issuer. Source: RFC 9728, section 3.1."""

FORBIDDEN: Final = 403
"""JSON-RPC code of a call that the caller may not make, and its HTTP status. Source: MCP 2026-07-28, "Error Codes":
codes of an application lie outside -32768 to -32000; "Authorization", "Error Handling": insufficient permissions."""

FAULT_HEADER: Final = "x-mcp-fault"
"""Names the fault, of those that the called service declares, which the caller's proxy injects into this request."""

ENV_LOG_LEVEL: Final = "MESHED_MCP_LOG_LEVEL"

ENV_LOGS_ENDPOINT: Final = "MESHED_MCP_LOGS_ENDPOINT"
"""Base URL of a store that takes log lines, OTLP over HTTP, without `/v1/logs`; unset = none are sent."""

ENV_AUDIT_ENDPOINT: Final = "MESHED_MCP_AUDIT_ENDPOINT"
"""The same for the audit log alone."""

ENV_OTLP_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""Base URL of a collector that takes OTLP over HTTP, without `/v1/traces`; unset = no spans are made. Source:
OpenTelemetry, "OTLP Exporter Configuration"; its other variables (headers, certificates, time-out) hold too."""

ENV_TRACE_RATIO: Final = "MESHED_MCP_TRACE_RATIO"
"""Share, 0 to 1, of the traces that begin in this process; a caller's decision is kept. Default 0.1."""

METRIC_OPERATION_DURATION: Final = "mcp_server_operation_duration_seconds"
"""Histogram, seconds. Source: OpenTelemetry MCP conventions, `mcp.server.operation.duration`."""

METRIC_CLIENT_DURATION: Final = "mcp_client_operation_duration_seconds"
"""Histogram, seconds. Source: as above, `mcp.client.operation.duration`."""

METRIC_DESTINATION_ERRORS: Final = "mcp_client_destination_errors_total"
"""Counter by LABEL_ADDRESS and `reason`: calls of other servers that ended without a result of their tool."""

METRIC_ACTIVE_REQUESTS: Final = "mcp_server_active_requests"
"""Gauge: calls in work, `subscriptions/listen` streams not counted. The autoscaler reads it."""

METRIC_QUEUE_DEPTH: Final = "mcp_server_request_queue_depth"
"""Gauge: calls that wait for a place. The autoscaler adds it to the calls in work."""

METRIC_OPEN_STREAMS: Final = "mcp_server_open_streams"
METRIC_REGISTERED_TOOLS: Final = "mcp_server_registered_tools"
METRIC_CALL_PLACES: Final = "mcp_server_call_places"
"""Gauge: calls that this replica may work on at a time (ENV_CONCURRENT_CALLS)."""

METRIC_INFO: Final = "mcp_server_info"
"""Gauge: 1, by LABEL_RELEASE and the SDK's version. A new release shows in it, so that pages can mark it."""

METRIC_BUS_EVENTS: Final = "mcp_server_bus_events_total"
"""Counter by LABEL_OUTCOME: changes told to other replicas (`sent`), heard from them (`received`), or lost."""

METRIC_BUS_CONNECTED: Final = "mcp_server_bus_connected"
"""Gauge: 1 while the bus between replicas works, 0 while changes reach this replica's listeners only."""

METRIC_REGISTRY_SERVERS: Final = "mcp_registry_servers"
METRIC_REGISTRY_LEASES: Final = "mcp_registry_leases"
METRIC_REGISTRY_EXPIRED: Final = "mcp_registry_expired_servers_total"
METRIC_REGISTRY_DATABASE_UP: Final = "mcp_registry_database_up"
METRIC_REGISTRY_SYNC: Final = "mcp_registry_sync_timestamp_seconds"
"""Gauge: when a replica last agreed with the database, Unix time."""

METRIC_HEARTBEAT: Final = "mcp_agent_last_heartbeat_timestamp_seconds"
"""Gauge: when a server last renewed its lease in the registry, or began to try, Unix time."""

METRIC_HTTP_DURATION: Final = "http_server_request_duration_seconds"
METRIC_REJECTED: Final = "mcp_server_rejected_requests_total"
"""Counter: requests that were answered without being executed, by `reason`."""

METRIC_AUTHENTICATIONS: Final = "mcp_server_authentications_total"
"""Counter: checks of who calls, by `kind` (`token`, `peer`) and `result`; what is trusted as it is, is not counted."""

METRIC_AUTHORIZATIONS: Final = "mcp_server_authorizations_total"
"""Counter: decisions of the tool policy on calls, by tool and `reason`; all but `allowed` were refused."""

METRIC_ACTIVE_SESSIONS: Final = "mcp_server_active_sessions"
"""Gauge: sessions of clients up to 2025-11-25; later revisions have none."""

METRIC_SESSION_DURATION: Final = "mcp_server_session_duration_seconds"
"""Histogram, seconds. Source: OpenTelemetry MCP conventions, `mcp.server.session.duration`."""

METRIC_PHASE: Final = "mcp_server_phase"
"""Gauge: 1 for what the process is doing (`starting`, `ready`, `stopping`), 0 for the others."""

METRIC_TASK_RESTARTS: Final = "mcp_background_task_restarts_total"
"""Counter by `task`: restarts of background tasks of the runtime, each of which is in the log with its reason."""

METRIC_LOOP_BLOCKED: Final = "mcp_server_event_loop_blocked_seconds_total"
"""Counter, seconds: time in which a tool or other code kept the event loop from running, of blocks above 1 s."""

METRIC_LABEL_OVERFLOW: Final = "mcp_label_overflow_total"
"""Counter: values that became `_OTHER`, by `metric` and `label`."""

HISTOGRAM_LABEL_SETS: Final = 2000
"""Label sets of one histogram in a process at most; what comes later counts as `_OTHER`, one set more."""

ORGANIZATION_LABELS: Final = 200
"""Organizations that a process counts by name at most; later ones count as `_OTHER`, one label more."""

METRIC_ORG_REQUESTS: Final = "mcp_org_requests_total"
"""Counter: tool calls that were let through, by organization and tool. Users are never a label."""

METRIC_LLM_TOKENS: Final = "mcp_llm_tokens_total"
"""Counter: tokens of models as the endpoint reported them, by `model` and `token_type` (`input`, `output`)."""

ENV_ORGANIZATION_CLAIM: Final = "MESHED_MCP_ORGANIZATION_CLAIM"
ORGANIZATION_CLAIM: Final = "organization"
"""Claim of a token that names the caller's organization; without a token it is the caller's namespace."""

METRIC_SPANS_PROCESSED: Final = "otel_sdk_processor_span_processed_total"
"""Counter: sampled spans that ended; `error_type="queue_full"` were dropped. Source: OpenTelemetry, "SDK metrics"."""

METRIC_SPANS_EXPORTED: Final = "otel_sdk_exporter_span_exported_total"
"""Counter: spans handed to the collector; with an `error_type` they were lost. Source: as above."""

METRIC_FAST_SCALER_ANSWERED: Final = "mcp_fast_scaler_answered_timestamp_seconds"
METRIC_FAST_SCALER_MINIMUM: Final = "mcp_fast_scaler_minimum_replicas"
METRIC_FAST_SCALER_PATCHES: Final = "mcp_fast_scaler_patches_total"
ENV_PROMETHEUS_URL: Final = "MESHED_MCP_PROMETHEUS_URL"
ENV_FAST_SCALER_QUERY: Final = "MESHED_MCP_FAST_SCALER_QUERY"
"""PromQL that names the least replicas of the moment, one series per LABEL_SCALED_OBJECT."""

FAST_SCALER_PERIOD_SECONDS: Final = 0.5
"""How often the fast scaler queries, at whole multiples, which its rule shares. Four replicas that are
scraped every 5 s are known whole, and acted on, within 5.5 s at p99; with 1 s within 5.9 s (calculated)."""

METRIC_DELETION_ANSWERED: Final = "mcp_deletion_cost_answered_timestamp_seconds"
METRIC_DELETION_PATCHES: Final = "mcp_deletion_cost_patches_total"
ENV_DELETION_QUERY: Final = "MESHED_MCP_DELETION_COST_QUERY"
"""PromQL that names what it costs to remove a pod, one series per LABEL_POD."""

LABEL_SCALED_OBJECT: Final = "scaledobject"
LABEL_POD: Final = "pod"
LABEL_METHOD: Final = "mcp_method_name"
LABEL_TOOL: Final = "gen_ai_tool_name"
LABEL_ERROR: Final = "error_type"
LABEL_PROTOCOL: Final = "mcp_protocol_version"
LABEL_ADDRESS: Final = "server_address"
"""Whom a client calls: the host of a URL, or a name of the registry. Source: OpenTelemetry, `server.address`."""

LABEL_RELEASE: Final = "release"
"""Version of the service's own code. Not `version`: that is LABEL_VERSION of the pod, which scraping adds."""

LABEL_ORGANIZATION: Final = "org"
LABEL_OUTCOME: Final = "outcome"
LABEL_SERVER: Final = "mcp_server_name"
"""Label that the PodMonitor adds to every series of a server, from the pod's `app.kubernetes.io/name`."""

DURATION_BUCKETS_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Source: OpenTelemetry MCP conventions, section "Metrics", explicit bucket boundaries."""
