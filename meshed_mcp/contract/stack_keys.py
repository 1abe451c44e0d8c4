"""Keys of the stack file behind the variables of a replica: what a message advises to set.

A stack rejects these variables in `env`, so a message of the runtime names the key, and the variable for processes
without a stack.
"""

import re
from collections.abc import Mapping
from typing import Final

from meshed_mcp.contract import environment as env
from meshed_mcp.contract.limits import LIMIT_VARIABLES
from meshed_mcp.contract.secret_files import FILE_SUFFIX

NOT_A_KEY: Final = ""
"""Of variables that the platform sets to a fixed value, or derives from several keys."""

STACK_KEYS: Final[Mapping[str, str]] = {
    env.ENV_SERVICE: "services",
    env.ENV_NAMESPACE: "namespace",
    env.ENV_PORT: NOT_A_KEY,
    env.ENV_PATH: "path",
    env.ENV_MANAGEMENT_PORT: NOT_A_KEY,
    env.ENV_ALLOWED_HOSTS: "hosts",
    env.ENV_PUBLIC_URLS: "public_urls",
    env.ENV_ALLOWED_ORIGINS: "cors.origins",
    env.ENV_CORS_HEADERS: "cors.headers",
    env.ENV_CORS_CREDENTIALS: "cors.credentials",
    env.ENV_PRE_STOP_DELAY_SECONDS: "drain.pre_stop_delay_seconds",
    env.ENV_GRACE_SECONDS: "drain.grace_seconds",
    **{variable: f"limits.{field}" for field, variable in LIMIT_VARIABLES.items()},
    env.ENV_LEGACY: "legacy",
    env.ENV_SESSION_STORE: "sessions.store",
    env.ENV_LOGS_ENDPOINT: "logs.otlp_endpoint",
    env.ENV_AUDIT_ENDPOINT: "logs.audit_endpoint",
    env.ENV_REGISTRY_URL: "registry",
    env.ENV_DATA_DIR: NOT_A_KEY,
    env.ENV_DATABASE_URL: "database",
    env.ENV_DATABASE_CA: "database.tls.ca",
    env.ENV_DATABASE_CERTIFICATE: "database.tls.client_secret",
    env.ENV_DATABASE_PRIVATE_KEY: "database.tls.client_secret",
    env.ENV_REPLICATED: NOT_A_KEY,
    env.ENV_REQUEST_STATE_KEYS: "request_state",
    env.ENV_REDIS_URL: "redis",
    env.ENV_REDIS_CA: "redis.tls.ca",
    env.ENV_REDIS_CERTIFICATE: "redis.tls.client_secret",
    env.ENV_REDIS_PRIVATE_KEY: "redis.tls.client_secret",
    env.ENV_TRUSTED_PROXIES: "mesh",
    env.ENV_TOOL_POLICY: "tools",
    env.ENV_AUTH_ISSUERS: "auth.issuers",
    env.ENV_AUTH_RESOURCE: "auth.resource",
    env.ENV_AUTH_SCOPES: "auth.scopes",
    env.ENV_OUTBOUND_CALLS: "calls",
    env.ENV_USER_CREDENTIALS: "user_credentials",
    env.ENV_CREDENTIAL_KEYS: "user_credentials.keys",
    env.ENV_UPSTREAM_URL: "url",
    env.ENV_UPSTREAM_COMMAND: "package",
    env.ENV_UPSTREAM_ADDRESS: NOT_A_KEY,
    env.ENV_UPSTREAM_ENVIRONMENT: "env",
    env.ENV_UPSTREAM_PROCESS: "stdio.process",
    env.ENV_UPSTREAM_MAX_PROCESSES: "stdio.max",
    env.ENV_UPSTREAM_TOKEN: "outbound_auth.bearer",
    env.ENV_UPSTREAM_HEADERS: "outbound_auth.headers",
}
"""Variable -> key of the service, or of the stack, that it is rendered from."""

STACK_WIDE: Final = frozenset({"services", "namespace", "registry", "request_state", "redis", "mesh", "logs"})
"""Keys of the stack; the others are keys of a service."""


_VARIABLE: Final = re.compile(r"MESHED_MCP_[A-Z]+(?:_[A-Z]+)*")


def with_stack_keys(text: str) -> str:
    """The text of an error, with the keys of the stack file behind the variables that it names.

    >>> with_stack_keys("MESHED_MCP_GRACE_SECONDS is too short")
    'MESHED_MCP_GRACE_SECONDS is too short (in the stack file: `drain.grace_seconds`)'
    """
    names = [name.removesuffix(FILE_SUFFIX) for name in _VARIABLE.findall(text)]
    keys = list(dict.fromkeys(f"`{STACK_KEYS[name]}`" for name in names if STACK_KEYS.get(name)))
    return f"{text} (in the stack file: {', '.join(keys)})" if keys else text


def setting(variable: str) -> str:
    """How a message names a setting: its key in a stack, and the variable for a process without one."""
    key = STACK_KEYS.get(variable, NOT_A_KEY)
    return f"`{key}` in the stack file, {variable} without one" if key else variable
