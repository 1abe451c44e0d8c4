"""Metric names, their labels and their bounds."""

from typing import Final

METRIC_OPERATION_DURATION: Final = "mcp_server_operation_duration_seconds"
"""Histogram, seconds. Source: OpenTelemetry MCP conventions, `mcp.server.operation.duration`."""

METRIC_CLIENT_DURATION: Final = "mcp_client_operation_duration_seconds"
"""Histogram, seconds. Source: OpenTelemetry MCP conventions, `mcp.client.operation.duration`."""

METRIC_DESTINATION_ERRORS: Final = "mcp_client_destination_errors_total"
"""Counter by LABEL_ADDRESS and `reason`: calls to other servers that ended without a result of their tool."""

METRIC_ACTIVE_REQUESTS: Final = "mcp_server_active_requests"
"""Gauge: in-flight requests without `subscriptions/listen` streams. The autoscaler reads it."""

METRIC_QUEUE_DEPTH: Final = "mcp_server_request_queue_depth"
"""Gauge: queued requests. The autoscaler adds it to the in-flight requests."""

METRIC_OPEN_STREAMS: Final = "mcp_server_open_streams"
METRIC_REGISTERED_TOOLS: Final = "mcp_server_registered_tools"
METRIC_CONCURRENCY_LIMIT: Final = "mcp_server_concurrency_limit"
"""Gauge: concurrency limit of the replica (ENV_CONCURRENT_CALLS)."""

METRIC_INFO: Final = "mcp_server_info"
"""Gauge: 1, by LABEL_RELEASE and SDK version. Dashboards annotate releases by it."""

METRIC_BUS_EVENTS: Final = "mcp_server_bus_events_total"
"""Counter by LABEL_OUTCOME: change notifications between replicas: `sent`, `received` or lost."""

METRIC_BUS_CONNECTED: Final = "mcp_server_bus_connected"
"""Gauge: 1 while the bus between replicas is connected; 0 while only clients of this replica are notified."""

METRIC_REGISTRY_SERVERS: Final = "mcp_registry_servers"
METRIC_REGISTRY_LEASES: Final = "mcp_registry_leases"
METRIC_REGISTRY_EXPIRED: Final = "mcp_registry_expired_servers_total"
METRIC_REGISTRY_DATABASE_UP: Final = "mcp_registry_database_up"
METRIC_REGISTRY_SYNC: Final = "mcp_registry_sync_timestamp_seconds"
"""Gauge, Unix time: last synchronization of a registry replica with the database."""

METRIC_HEARTBEAT: Final = "mcp_agent_last_heartbeat_timestamp_seconds"
"""Gauge, Unix time: last renewal of the server's registry lease; until the first one, the start of its attempts."""

METRIC_HTTP_DURATION: Final = "http_server_request_duration_seconds"
METRIC_REJECTED: Final = "mcp_server_rejected_requests_total"
"""Counter by `reason`: requests that were rejected without being executed."""

METRIC_AUTHENTICATIONS: Final = "mcp_server_authentications_total"
"""Counter by `kind` (`token`, `peer`) and `result`: authentications. Identities trusted unchecked are not counted."""

METRIC_AUTHORIZATIONS: Final = "mcp_server_authorizations_total"
"""Counter by tool and `reason`: tool policy decisions; all but `allowed` were rejected."""

METRIC_ACTIVE_SESSIONS: Final = "mcp_server_active_sessions"
"""Gauge: sessions of clients up to 2025-11-25; later revisions have none."""

METRIC_SESSION_DURATION: Final = "mcp_server_session_duration_seconds"
"""Histogram, seconds. Source: OpenTelemetry MCP conventions, `mcp.server.session.duration`."""

METRIC_SESSION_STORE_CONNECTED: Final = "mcp_server_session_store_connected"
"""Gauge: 1 while sessions are in Redis; 0 while they are only in the memory of their replica."""

METRIC_SESSION_TAKEOVERS: Final = "mcp_server_session_takeovers_total"
"""Counter by LABEL_OUTCOME: sessions of other replicas that were taken over, `resumed` or `failed`."""

METRIC_PHASE: Final = "mcp_server_phase"
"""Gauge by `phase` (`starting`, `ready`, `stopping`): 1 for the current phase, 0 for the others."""

METRIC_TASK_RESTARTS: Final = "mcp_background_task_restarts_total"
"""Counter by `task`: restarts of the runtime's background tasks; the log has the reason of each."""

METRIC_LOOP_BLOCKED: Final = "mcp_server_event_loop_blocked_seconds_total"
"""Counter, seconds: time in which a tool or other code blocked the event loop, of blocks above 1 s."""

METRIC_LABEL_OVERFLOW: Final = "mcp_label_overflow_total"
"""Counter by `metric` and `label`: label values that became `_OTHER`."""

HISTOGRAM_LABEL_SETS: Final = 2000
"""Most label sets of one histogram in a process; later ones count as `_OTHER`, one more set."""

METRIC_ORG_REQUESTS: Final = "mcp_org_requests_total"
"""Counter by organization and tool: authorized tool calls. Users are never a label."""

ORGANIZATION_LABELS: Final = 200
"""Most organizations that a process counts by name; later ones count as `_OTHER`, one more label value."""

METRIC_LLM_TOKENS: Final = "mcp_llm_tokens_total"
"""Counter by `model` and `token_type` (`input`, `output`): tokens as the model endpoint reports them."""

METRIC_SPANS_PROCESSED: Final = "otel_sdk_processor_span_processed_total"
"""Counter: sampled spans that ended; `error_type="queue_full"` were dropped. Source: OpenTelemetry, "SDK metrics"."""

METRIC_SPANS_EXPORTED: Final = "otel_sdk_exporter_span_exported_total"
"""Counter: spans sent to the collector; those with an `error_type` were lost. Source: OpenTelemetry, "SDK metrics"."""

METRIC_FAST_SCALER_ANSWERED: Final = "mcp_fast_scaler_answered_timestamp_seconds"
METRIC_FAST_SCALER_MINIMUM: Final = "mcp_fast_scaler_minimum_replicas"
METRIC_FAST_SCALER_PATCHES: Final = "mcp_fast_scaler_patches_total"
METRIC_DELETION_ANSWERED: Final = "mcp_deletion_cost_answered_timestamp_seconds"
METRIC_DELETION_PATCHES: Final = "mcp_deletion_cost_patches_total"

METRIC_UPSTREAM_SESSIONS: Final = "mcp_bridge_upstream_sessions"
"""Gauge: open connections of the bridge to its upstream; those to a stdio server are processes."""

METRIC_UPSTREAM_PROCESSES: Final = "mcp_bridge_upstream_processes"
"""Gauge: processes of the stdio server, those that are being stopped included."""

METRIC_UPSTREAM_STARTS: Final = "mcp_bridge_upstream_starts_total"
"""Counter: processes of the stdio server that the bridge started."""

METRIC_UPSTREAM_EXITS: Final = "mcp_bridge_upstream_exits_total"
"""Counter by `reason`: `closed` by the bridge, `killed` because it ignored SIGTERM, `exited` with code 0, `failed` with
another code, `signaled`, `disconnected` without a known code, `not_started`."""

METRIC_UPSTREAM_NOISE: Final = "mcp_bridge_upstream_noise_lines_total"
"""Counter by `reason`: lines on the standard output of the stdio server that are `not_json_rpc` or `too_long`."""

METRIC_UPSTREAM_LOG_LINES: Final = "mcp_bridge_upstream_log_lines_total"
"""Counter by LABEL_OUTCOME: lines on the standard error of the stdio server, `written` to the log or `dropped`."""

METRIC_UPSTREAM_REJECTED: Final = "mcp_bridge_rejected_sessions_total"
"""Counter: sessions rejected because the replica runs its maximum of upstream processes or sessions."""

METRIC_UPSTREAM_ERRORS: Final = "mcp_bridge_upstream_errors_total"
"""Counter by `reason`: calls that failed without a response of the upstream."""

METRIC_HELD_CALLS: Final = "mcp_bridge_held_calls"
"""Gauge: calls that wait in the memory of the bridge for the input of a 2026-07-28 client."""

LABEL_SCALED_OBJECT: Final = "scaledobject"
LABEL_POD: Final = "pod"
LABEL_METHOD: Final = "mcp_method_name"
LABEL_TOOL: Final = "gen_ai_tool_name"
LABEL_ERROR: Final = "error_type"
LABEL_PROTOCOL: Final = "mcp_protocol_version"
LABEL_ADDRESS: Final = "server_address"
"""Destination of a client's call: the host of a URL or a registry name. Source: OpenTelemetry, `server.address`."""

LABEL_RELEASE: Final = "release"
"""Version of the service's code. Not `version`, the pod's LABEL_VERSION, which scraping adds."""

LABEL_ORGANIZATION: Final = "org"
LABEL_OUTCOME: Final = "outcome"
LABEL_SERVER: Final = "mcp_server_name"
"""Label that the PodMonitor adds to every series of a server, from the pod's `app.kubernetes.io/name`."""

DURATION_BUCKETS_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Source: OpenTelemetry MCP conventions, section "Metrics", explicit bucket boundaries."""
