"""Environment variables of the containers of a service."""

import json
from collections.abc import Mapping
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization.environment import authorization_environment
from meshed_mcp.components.mesh.egress.ca_bundle import ca_environment
from meshed_mcp.components.mesh.egress.proxy import proxy_environment
from meshed_mcp.components.mesh.egress.sidecar import sidecar_hosts
from meshed_mcp.components.mesh.routing.cors_args import cors_environment
from meshed_mcp.components.mesh.service.addresses import allowed_hosts, public_urls
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, SharedState
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.components.mesh.service.limits_args import limits_environment
from meshed_mcp.components.mesh.service.outbound_calls import call_environment, call_secrets, upstream_url
from meshed_mcp.components.mesh.service.secret_files import FileSource, file_variables, login_sources
from meshed_mcp.components.mesh.service.server_source import ServerKind
from meshed_mcp.components.mesh.service.source_issues import LAUNCHER_PORT
from meshed_mcp.components.mesh.service.upstream_args import DEFAULT_PROCESSES, Process, StdioSettings
from meshed_mcp.components.mesh.service.user_credentials import credential_environment, credential_secrets
from meshed_mcp.components.mesh.service.volumes import PACKAGE_PATH

HEADER_VARIABLE = "MESHED_MCP_UPSTREAM_HEADER_{number}"
"""Variable with the value of one header of `outbound_auth`; ENV_UPSTREAM_HEADERS names it."""

DATABASE_VARIABLES: Final = (
    contract.ENV_DATABASE_URL,
    contract.ENV_DATABASE_CA,
    contract.ENV_DATABASE_CERTIFICATE,
    contract.ENV_DATABASE_PRIVATE_KEY,
)
REDIS_VARIABLES: Final = (
    contract.ENV_REDIS_URL,
    contract.ENV_REDIS_CA,
    contract.ENV_REDIS_CERTIFICATE,
    contract.ENV_REDIS_PRIVATE_KEY,
)


def environment(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Environment of the container with the runtime: its variables, those of the stack, then Secrets; each name once.

    A server behind the bridge in a container of its own has the variables of the stack there.
    """
    files = file_variables(mounted_secrets(args))
    own = _runtime_variables(name, args) | _upstream_variables(args) | files
    if args.has_upstream:
        return variables(args, own, {})
    return variables(args, own, args.secret_env, args.env)


def mounted_secrets(args: MeshedMCPServiceArgs) -> dict[str, FileSource]:
    """Variable of the runtime -> key whose file it reads again when it changes; empty without the runtime."""
    return {**_runtime_secrets(args), **_upstream_secrets(args)} if args.has_runtime else {}


def server_environment(args: MeshedMCPServiceArgs) -> Manifest:
    """`env` of a container without the runtime: the variables of the stack; empty without any."""
    found = variables(args, {}, args.secret_env, args.env)
    return {"env": found} if found else {}


def variables(
    args: MeshedMCPServiceArgs,
    own: Mapping[str, Any],
    secret: Mapping[str, SecretKey],
    stack: Mapping[str, Any] | None = None,
) -> list[Manifest]:
    """`own` plain variables, those of the CA bundle, of the stack, of the proxy, then those from Secrets."""
    plain = {**own, **ca_environment(args.ca_bundle), **(stack or {})}
    return [
        *({"name": key, "value": value} for key, value in plain.items()),
        *_proxy_variables(args),
        *(
            {"name": key, "valueFrom": {"secretKeyRef": {"name": source.secret, "key": source.key}}}
            for key, source in secret.items()
        ),
    ]


def _proxy_variables(args: MeshedMCPServiceArgs) -> list[Manifest]:
    return proxy_environment(args, sidecar_hosts(args))


def _runtime_variables(name: str, args: MeshedMCPServiceArgs) -> dict[str, Any]:
    runtime = {
        contract.ENV_SERVICE: name,
        contract.ENV_NAMESPACE: args.namespace,
        contract.ENV_PORT: str(contract.MCP_PORT),
        contract.ENV_MANAGEMENT_PORT: str(contract.MANAGEMENT_PORT),
        contract.ENV_ALLOWED_HOSTS: ",".join(allowed_hosts(name, args)),
        contract.ENV_PRE_STOP_DELAY_SECONDS: str(args.drain.pre_stop_delay_seconds),
        contract.ENV_GRACE_SECONDS: str(args.drain.grace_seconds),
        contract.ENV_LEGACY: args.legacy,
        contract.ENV_DATA_DIR: contract.DATA_PATH,
        **authorization_environment(name, args),
        **call_environment(args),
        **credential_environment(args),
        **limits_environment(args.limits),
        **cors_environment(args.cors),
    }
    # The path of the registry is that of its HTTP API, not of an MCP endpoint.
    is_default_path = args.path == contract.MCP_PATH or name == contract.REGISTRY_NAME
    optional = {
        contract.ENV_PATH: None if is_default_path else args.path,
        contract.ENV_PUBLIC_URLS: ",".join(public_urls(name, args)) or None,
        contract.ENV_REPLICATED: "true" if args.replicated else None,
        contract.ENV_SESSION_STORE: args.sessions.store if args.sessions.in_redis else None,
        contract.ENV_REGISTRY_URL: args.registry_url,
        contract.ENV_OTLP_ENDPOINT: args.otlp_endpoint,
        contract.ENV_LOGS_ENDPOINT: args.logs.otlp_endpoint,
        contract.ENV_AUDIT_ENDPOINT: args.logs.audit_endpoint,
    }
    return runtime | {key: value for key, value in optional.items() if value is not None}


def _runtime_secrets(args: MeshedMCPServiceArgs) -> dict[str, FileSource]:
    found: dict[str, FileSource] = {}
    if args.database is not None:
        found |= login_sources(args.database, *DATABASE_VARIABLES)
    if args.request_state is not None and SharedState.REQUEST_STATE in args.shared_state:
        found[contract.ENV_REQUEST_STATE_KEYS] = args.request_state
    if args.redis is not None and args.uses_redis:
        found |= login_sources(args.redis, *REDIS_VARIABLES)
    return found | call_secrets(args) | credential_secrets(args)


def _upstream_variables(args: MeshedMCPServiceArgs) -> dict[str, Any]:
    """What the bridge runs in front of; empty without the bridge."""
    headers = {} if args.outbound_auth is None else args.outbound_auth.headers
    named = {header: HEADER_VARIABLE.format(number=number) for number, header in enumerate(headers)}
    sent = {contract.ENV_UPSTREAM_HEADERS: json.dumps(named)} if named else {}
    match args.kind:
        case ServerKind.BRIDGED_HTTP:
            return {contract.ENV_UPSTREAM_URL: upstream_url(args), **sent}
        case ServerKind.REMOTE:
            return {contract.ENV_UPSTREAM_URL: args.url, **sent}
        case ServerKind.STDIO_IMAGE:
            return {contract.ENV_UPSTREAM_ADDRESS: f"127.0.0.1:{LAUNCHER_PORT}", **_process_variables(args)}
        case ServerKind.STDIO_PACKAGE:
            network = [*ca_environment(args.ca_bundle), *(each["name"] for each in _proxy_variables(args))]
            passed = ",".join(dict.fromkeys([*args.env, *args.secret_env, *network]))
            return {
                "HOME": contract.DATA_PATH,
                contract.ENV_UPSTREAM_COMMAND: json.dumps([f"{PACKAGE_PATH}/{contract.PACKAGE_SERVER}", *args.args]),
                **({contract.ENV_UPSTREAM_ENVIRONMENT: passed} if passed else {}),
                **_process_variables(args),
            }
    return {}


def _process_variables(args: MeshedMCPServiceArgs) -> dict[str, str]:
    stdio = args.stdio or StdioSettings()
    found = {contract.ENV_UPSTREAM_PROCESS: str(stdio.process.value)}
    if stdio.process is Process.PER_SESSION:
        found[contract.ENV_UPSTREAM_MAX_PROCESSES] = str(stdio.max or DEFAULT_PROCESSES)
    return found


def _upstream_secrets(args: MeshedMCPServiceArgs) -> dict[str, FileSource]:
    auth = args.outbound_auth
    if auth is None:
        return {}
    token: dict[str, FileSource] = {} if auth.bearer is None else {contract.ENV_UPSTREAM_TOKEN: auth.bearer}
    values = {HEADER_VARIABLE.format(number=number): key for number, key in enumerate(auth.headers.values())}
    return token | values
