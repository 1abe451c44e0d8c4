"""Catalog of the metrics that dashboards, rules and autoscalers may query: name, type, unit, labels, bound, emitter.

Tests compare it with the runtime's `/metrics` and with every query of the product.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.observability.metrics.model import Emitter, Metric, Type
from meshed_mcp.components.observability.metrics.platform import PLATFORM

TARGET_LABELS: Final = frozenset(
    {"namespace", "pod", "container", "job", "instance", "endpoint", contract.LABEL_SERVER, contract.LABEL_VERSION}
)
"""Target labels. Source: Prometheus operator, PodMonitor; `mesh/service/pod_monitor.py` adds the last two."""

LABEL_SETS: Final = contract.HISTOGRAM_LABEL_SETS + 1
"""Label sets of the operation histogram, the overflow set included."""

METHODS: Final = 30
"""Methods and notifications of MCP, and "_OTHER", rounded up."""

REASONS: Final = 16
"""Rejection reasons, error codes, kinds of checks, rounded up."""

ROUTES: Final = 64
"""Routes by HTTP method and status, rounded up."""

TOOLS: Final = 512
"""Tools of one server, rounded up; models work with far fewer."""

ORGANIZATIONS: Final = contract.ORGANIZATION_LABELS + 1
"""Organizations with their own label value, and the overflow value."""

DESTINATIONS: Final = 32
"""Destinations of one server, rounded up."""

TOOLS_IN_USE: Final = 64
"""Tools of one server that one organization calls, rounded up."""

HTTP: Final = ("http_route", "http_request_method", "http_response_status_code")
OPERATION: Final = (contract.LABEL_METHOD, contract.LABEL_TOOL, contract.LABEL_ERROR, contract.LABEL_PROTOCOL)
SESSION: Final = (contract.LABEL_PROTOCOL, contract.LABEL_ERROR)
USAGE: Final = (contract.LABEL_ORGANIZATION, contract.LABEL_TOOL)
CLIENT: Final = (contract.LABEL_METHOD, contract.LABEL_TOOL, contract.LABEL_ERROR, contract.LABEL_ADDRESS)
FAILED: Final = (contract.LABEL_ADDRESS, "reason")
AUTHORIZED: Final = (contract.LABEL_TOOL, "reason")
"""Labels of metrics."""

RUNTIME: Final = (
    Metric(contract.METRIC_HTTP_DURATION, Type.HISTOGRAM, "seconds", HTTP, ROUTES, Emitter.RUNTIME),
    Metric(contract.METRIC_OPEN_STREAMS, Type.GAUGE, "streams", ("kind",), 2, Emitter.RUNTIME),
    Metric(contract.METRIC_REJECTED, Type.COUNTER, "requests", ("reason",), REASONS, Emitter.RUNTIME),
    Metric(contract.METRIC_QUEUE_DEPTH, Type.GAUGE, "calls", (), 1, Emitter.RUNTIME),
    Metric(contract.METRIC_PHASE, Type.GAUGE, "", ("phase",), 3, Emitter.RUNTIME),
    Metric(contract.METRIC_LOOP_BLOCKED, Type.COUNTER, "seconds", (), 1, Emitter.RUNTIME),
)

SERVER: Final = (
    Metric(contract.METRIC_OPERATION_DURATION, Type.HISTOGRAM, "seconds", OPERATION, LABEL_SETS, Emitter.SERVER),
    Metric(contract.METRIC_ACTIVE_REQUESTS, Type.GAUGE, "calls", (contract.LABEL_METHOD,), METHODS, Emitter.SERVER),
    Metric(contract.METRIC_CONCURRENCY_LIMIT, Type.GAUGE, "calls", (), 1, Emitter.SERVER),
    Metric(contract.METRIC_REGISTERED_TOOLS, Type.GAUGE, "tools", (), 1, Emitter.SERVER),
    Metric(contract.METRIC_INFO, Type.GAUGE, "", (contract.LABEL_RELEASE, "sdk_version"), 1, Emitter.SERVER),
    Metric(contract.METRIC_ACTIVE_SESSIONS, Type.GAUGE, "sessions", (), 1, Emitter.SERVER),
    Metric(contract.METRIC_SESSION_DURATION, Type.HISTOGRAM, "seconds", SESSION, REASONS, Emitter.SERVER),
    Metric(contract.METRIC_ORG_REQUESTS, Type.COUNTER, "calls", USAGE, ORGANIZATIONS * TOOLS_IN_USE, Emitter.SERVER),
    Metric(contract.METRIC_LABEL_OVERFLOW, Type.COUNTER, "values", ("metric", "label"), METHODS, Emitter.SERVER),
)

BRIDGE: Final = (
    Metric(contract.METRIC_UPSTREAM_SESSIONS, Type.GAUGE, "sessions", (), 1, Emitter.OPTIONAL),
    Metric(contract.METRIC_UPSTREAM_PROCESSES, Type.GAUGE, "processes", (), 1, Emitter.OPTIONAL),
    Metric(contract.METRIC_UPSTREAM_STARTS, Type.COUNTER, "processes", (), 1, Emitter.OPTIONAL),
    Metric(contract.METRIC_UPSTREAM_EXITS, Type.COUNTER, "processes", ("reason",), REASONS, Emitter.OPTIONAL),
    Metric(contract.METRIC_UPSTREAM_NOISE, Type.COUNTER, "lines", ("reason",), REASONS, Emitter.OPTIONAL),
    Metric(
        contract.METRIC_UPSTREAM_LOG_LINES, Type.COUNTER, "lines", (contract.LABEL_OUTCOME,), REASONS, Emitter.OPTIONAL
    ),
    Metric(contract.METRIC_UPSTREAM_REJECTED, Type.COUNTER, "sessions", (), 1, Emitter.OPTIONAL),
    Metric(contract.METRIC_UPSTREAM_ERRORS, Type.COUNTER, "calls", ("reason",), REASONS, Emitter.OPTIONAL),
    Metric(contract.METRIC_HELD_CALLS, Type.GAUGE, "calls", (), 1, Emitter.OPTIONAL),
)

OPTIONAL: Final = (
    *BRIDGE,
    Metric(contract.METRIC_CLIENT_DURATION, Type.HISTOGRAM, "seconds", CLIENT, LABEL_SETS, Emitter.OPTIONAL),
    Metric(contract.METRIC_DESTINATION_ERRORS, Type.COUNTER, "calls", FAILED, DESTINATIONS * REASONS, Emitter.OPTIONAL),
    Metric(contract.METRIC_AUTHORIZATIONS, Type.COUNTER, "calls", AUTHORIZED, TOOLS, Emitter.OPTIONAL),
    Metric(contract.METRIC_AUTHENTICATIONS, Type.COUNTER, "checks", ("kind", "result"), REASONS, Emitter.OPTIONAL),
    Metric(contract.METRIC_LLM_TOKENS, Type.COUNTER, "tokens", ("model", "token_type"), 2, Emitter.OPTIONAL),
    Metric(contract.METRIC_BUS_EVENTS, Type.COUNTER, "events", (contract.LABEL_OUTCOME,), REASONS, Emitter.OPTIONAL),
    Metric(contract.METRIC_TASK_RESTARTS, Type.COUNTER, "restarts", ("task",), REASONS, Emitter.OPTIONAL),
    Metric(contract.METRIC_HEARTBEAT, Type.GAUGE, "seconds", (), 1, Emitter.OPTIONAL),
    Metric(contract.METRIC_BUS_CONNECTED, Type.GAUGE, "", (), 1, Emitter.OPTIONAL),
    Metric(contract.METRIC_SESSION_STORE_CONNECTED, Type.GAUGE, "", (), 1, Emitter.OPTIONAL),
    Metric(contract.METRIC_SESSION_TAKEOVERS, Type.COUNTER, "sessions", (contract.LABEL_OUTCOME,), 2, Emitter.OPTIONAL),
    Metric(contract.METRIC_SPANS_EXPORTED, Type.COUNTER, "spans", (contract.LABEL_ERROR,), 2, Emitter.OPTIONAL),
    Metric(contract.METRIC_SPANS_PROCESSED, Type.COUNTER, "spans", (contract.LABEL_ERROR,), 2, Emitter.OPTIONAL),
)

REGISTRY: Final = (
    Metric(contract.METRIC_REGISTRY_SERVERS, Type.GAUGE, "servers", (), 1, Emitter.REGISTRY),
    Metric(contract.METRIC_REGISTRY_LEASES, Type.GAUGE, "leases", (), 1, Emitter.REGISTRY),
    Metric(contract.METRIC_REGISTRY_EXPIRED, Type.COUNTER, "servers", (), 1, Emitter.REGISTRY),
    Metric(contract.METRIC_REGISTRY_DATABASE_UP, Type.GAUGE, "", (), 1, Emitter.REGISTRY),
    Metric(contract.METRIC_REGISTRY_SYNC, Type.GAUGE, "seconds", (), 1, Emitter.REGISTRY),
)

CATALOG: Final = (*RUNTIME, *SERVER, *OPTIONAL, *REGISTRY, *PLATFORM)


def labels_by_series() -> dict[str, frozenset[str]]:
    """Series name -> its labels, target labels and `le` included."""
    return {
        name: TARGET_LABELS | set(metric.labels) | ({"le"} if name.endswith("_bucket") else set())
        for metric in CATALOG
        for name in metric.series
    }
