"""Environment variables of a replica; `agents/settings.py` parses them."""

from typing import Final

ENV_SERVICE: Final = "MESHED_MCP_SERVICE"
"""Service name, such as `mcp-rag`."""

ENV_NAMESPACE: Final = "MESHED_MCP_NAMESPACE"
ENV_BIND_ADDRESS: Final = "MESHED_MCP_BIND_ADDRESS"
"""IP address that both ports bind to; default `::`, which is all addresses, IPv6 and IPv4."""

ENV_PORT: Final = "MESHED_MCP_PORT"
ENV_PATH: Final = "MESHED_MCP_PATH"
"""Path of the MCP endpoint; default `/mcp`."""

ENV_MANAGEMENT_PORT: Final = "MESHED_MCP_MANAGEMENT_PORT"
ENV_ALLOWED_HOSTS: Final = "MESHED_MCP_ALLOWED_HOSTS"
"""Comma-separated allow-list for the Host header; `name:*` allows every port. Other hosts get 421."""

ENV_PUBLIC_URLS: Final = "MESHED_MCP_PUBLIC_URLS"
"""Comma-separated base URLs at which clients reach the process through a gateway that removes their path:
`https://mcp.example.com/mcp-search` for `https://mcp.example.com/mcp-search/mcp`. Their hosts are allowed. The process
takes scheme and prefix of its own URLs from them, and never from X-Forwarded headers."""

ENV_ALLOWED_ORIGINS: Final = "MESHED_MCP_ALLOWED_ORIGINS"
"""Comma-separated origins of web pages that may call this process: `https://app.example.com`, `http://localhost:*` for
every port, `*` for all. Unset = those of the loopback address if ENV_ALLOWED_HOSTS is unset too, else none."""

ENV_CORS_HEADERS: Final = "MESHED_MCP_CORS_HEADERS"
"""Comma-separated request headers that these pages may send, beside BROWSER_HEADERS."""

ENV_CORS_CREDENTIALS: Final = "MESHED_MCP_CORS_CREDENTIALS"
"""`true` = these pages may send cookies; the default is false."""

ENV_PRE_STOP_DELAY_SECONDS: Final = "MESHED_MCP_PRE_STOP_DELAY_SECONDS"
"""Seconds between "not ready" and the first rejected call, in which proxies remove the endpoint."""

ENV_GRACE_SECONDS: Final = "MESHED_MCP_GRACE_SECONDS"
"""Longest time in seconds from SIGTERM to exit; below the pod's terminationGracePeriodSeconds."""

ENV_BODY_BYTES: Final = "MESHED_MCP_BODY_BYTES"
ENV_READ_SECONDS: Final = "MESHED_MCP_READ_SECONDS"
ENV_CONCURRENT_CALLS: Final = "MESHED_MCP_CONCURRENT_CALLS"
ENV_QUEUED_CALLS: Final = "MESHED_MCP_QUEUED_CALLS"
ENV_CALL_SECONDS: Final = "MESHED_MCP_CALL_SECONDS"
"""Longest call in seconds, including its time in the queue; unset = `longest_call_seconds`."""

ENV_SESSIONS: Final = "MESHED_MCP_SESSIONS"
ENV_SESSION_IDLE_SECONDS: Final = "MESHED_MCP_SESSION_IDLE_SECONDS"
ENV_ARGUMENT_DEPTH: Final = "MESHED_MCP_ARGUMENT_DEPTH"

ENV_REGISTRY_URL: Final = "MESHED_MCP_REGISTRY_URL"
"""Base URL of the registry, without the `/v0.1` prefix; unset = the service does not register."""

ENV_DATA_DIR: Final = "MESHED_MCP_DATA_DIR"
"""Writable folder: the emptyDir at DATA_PATH."""

CA_BUNDLE_PATH: Final = "/etc/meshed-mcp/ca/ca-bundle.crt"
"""Mounted file with the certificate authorities that clients trust, in a stack with `ca_bundle`."""

ENV_DATABASE_URL: Final = "MESHED_MCP_DATABASE_URL"
"""SQLAlchemy URL; unset = a SQLite file in the data folder, which supports one replica."""

ENV_DATABASE_CA: Final = "MESHED_MCP_DATABASE_CA"
"""Certificates, as PEM, of the authorities that may sign the certificate of PostgreSQL; unset = as the URL says."""

ENV_DATABASE_CERTIFICATE: Final = "MESHED_MCP_DATABASE_CERTIFICATE"
"""Certificate of the client as PEM, with its chain; unset = none. Needs the private key."""

ENV_DATABASE_PRIVATE_KEY: Final = "MESHED_MCP_DATABASE_PRIVATE_KEY"

ENV_REPLICATED: Final = "MESHED_MCP_REPLICATED"
"""`true` = the next request may reach another pod, so state that outlives a request must be shared."""

ENV_REQUEST_STATE_KEYS: Final = "MESHED_MCP_REQUEST_STATE_KEYS"
"""Keys that seal the request state of multi-round calls, the same in every pod: one per line, the sealing key first."""

ENV_REDIS_URL: Final = "MESHED_MCP_REDIS_URL"
"""Redis that relays change notifications between the pods of a service; unset = each pod notifies its own clients."""

ENV_REDIS_CA: Final = "MESHED_MCP_REDIS_CA"
"""Certificates, as PEM, of the authorities that may sign the certificate of Redis; unset = those of the machine."""

ENV_REDIS_CERTIFICATE: Final = "MESHED_MCP_REDIS_CERTIFICATE"
"""Certificate of the client as PEM, with its chain; unset = none. Needs the private key."""

ENV_REDIS_PRIVATE_KEY: Final = "MESHED_MCP_REDIS_PRIVATE_KEY"

ENV_LEGACY: Final = "MESHED_MCP_LEGACY"
"""Support for clients of revisions up to 2025-11-25: a value of `Legacy`."""

ENV_SESSION_STORE: Final = "MESHED_MCP_SESSION_STORE"
"""Where sessions of `Legacy.STICKY` are kept: a value of `SessionStore`; `redis` needs ENV_REDIS_URL."""

ENV_TRUSTED_PROXIES: Final = "MESHED_MCP_TRUSTED_PROXIES"
"""Comma-separated peer addresses whose x-forwarded-client-cert header is trusted: the pod's sidecar. Unset = none; the
header is dropped."""

ENV_TOOL_POLICY: Final = "MESHED_MCP_TOOL_POLICY"
"""JSON, tool or `*` -> {"allow": [mesh identity or issuer/subject], "scopes": [scope]}; both fields optional."""

ENV_AUTH_ISSUERS: Final = "MESHED_MCP_AUTH_ISSUERS"
"""JSON list of `TokenIssuer`; unset = no tokens. Needs ENV_AUTH_RESOURCE."""

ENV_AUTH_RESOURCE: Final = "MESHED_MCP_AUTH_RESOURCE"
"""URL of this resource as clients use it. Source: RFC 9728, section 1.2."""

ENV_AUTH_SCOPES: Final = "MESHED_MCP_AUTH_SCOPES"
"""Comma-separated scopes that every token must have."""

ENV_OUTBOUND_CALLS: Final = "MESHED_MCP_OUTBOUND_CALLS"
"""JSON list of `OutboundCall`; unset = calls carry no token."""

CALL_SECRET_PREFIX: Final = "MESHED_MCP_CALL_SECRET_"  # noqa: S105 - a part of names of variables
"""Prefix of the variables that rows of ENV_OUTBOUND_CALLS name, before a number."""
ENV_USER_CREDENTIALS: Final = "MESHED_MCP_USER_CREDENTIALS"
"""JSON of `UserCredentials`; unset = users give no credentials. Needs ENV_CREDENTIAL_KEYS and ENV_AUTH_ISSUERS."""

ENV_CREDENTIAL_KEYS: Final = "MESHED_MCP_CREDENTIAL_KEYS"
"""Keys that encrypt the credentials of users, the same in every pod: one per line, the encrypting key first."""

CREDENTIAL_SECRET_PREFIX: Final = "MESHED_MCP_CREDENTIAL_SECRET_"  # noqa: S105 - a part of names of variables
"""Prefix of the variables that ENV_USER_CREDENTIALS names, before a number."""

ENV_LOG_LEVEL: Final = "MESHED_MCP_LOG_LEVEL"
ENV_LOGS_ENDPOINT: Final = "MESHED_MCP_LOGS_ENDPOINT"
"""Base URL of an OTLP/HTTP endpoint for log records, without `/v1/logs`; unset = no log export."""

ENV_AUDIT_ENDPOINT: Final = "MESHED_MCP_AUDIT_ENDPOINT"
"""Base URL of an OTLP/HTTP endpoint for the audit log alone."""

ENV_OTLP_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""Base URL of an OTLP/HTTP collector for spans, without `/v1/traces`; unset = no spans. Source: OpenTelemetry, "OTLP
Exporter Configuration"; its other variables (headers, certificates, time-out) apply too."""

ENV_TRACE_RATIO: Final = "MESHED_MCP_TRACE_RATIO"
"""Sampling ratio, 0 to 1, of traces that start in this process; callers' sampling decisions are kept. Default 0.1."""

ENV_PROMETHEUS_URL: Final = "MESHED_MCP_PROMETHEUS_URL"
ENV_FAST_SCALER_QUERY: Final = "MESHED_MCP_FAST_SCALER_QUERY"
"""PromQL for the current minimum of replicas, one series per LABEL_SCALED_OBJECT."""

FAST_SCALER_PERIOD_SECONDS: Final = 0.5
"""Period of the fast scaler's queries, at whole multiples; its rule is evaluated at the same times. With a scrape
interval of 5 s, four replicas are scaled within 5.5 s at p99; with a period of 1 s within 5.9 s (calculated)."""

ENV_DELETION_QUERY: Final = "MESHED_MCP_DELETION_COST_QUERY"
"""PromQL for the deletion cost of pods, one series per LABEL_POD."""

ENV_UPSTREAM_URL: Final = "MESHED_MCP_UPSTREAM_URL"
"""URL of the HTTP server behind the bridge. The bridge takes exactly one of the URL, the command and the address."""

ENV_UPSTREAM_COMMAND: Final = "MESHED_MCP_UPSTREAM_COMMAND"
"""JSON list: the command of a stdio server that the bridge starts as a child process."""

ENV_UPSTREAM_ADDRESS: Final = "MESHED_MCP_UPSTREAM_ADDRESS"
"""`host:port` of the stdio launcher in the container of the server; each connection is one process."""

ENV_UPSTREAM_ENVIRONMENT: Final = "MESHED_MCP_UPSTREAM_ENVIRONMENT"
"""Comma-separated names of the variables that a child process inherits from the bridge, besides PATH, HOME and TMPDIR.
"""

ENV_UPSTREAM_PROCESS: Final = "MESHED_MCP_UPSTREAM_PROCESS"
"""`per_session` = a process per session or caller; `shared` = one process for all."""

ENV_UPSTREAM_MAX_PROCESSES: Final = "MESHED_MCP_UPSTREAM_MAX_PROCESSES"
"""Most processes of one replica; further sessions are rejected."""

ENV_UPSTREAM_TOKEN: Final = "MESHED_MCP_UPSTREAM_TOKEN"  # noqa: S105 - the name of a variable
"""Bearer token that the bridge sends to the upstream; from a Secret."""

ENV_UPSTREAM_HEADERS: Final = "MESHED_MCP_UPSTREAM_HEADERS"
"""JSON object: header that the bridge sends to the upstream -> name of the variable with its value."""
