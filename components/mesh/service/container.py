"""Container `server` of an MCP server: environment, ports, probes, resources, volumes."""

from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization.environment import authorization_environment
from meshed_mcp.components.mesh.service.addresses import allowed_hosts
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, SharedState
from meshed_mcp.components.mesh.service.limits_args import limits_environment

CONTAINER: Final = "server"
"""Name of the container that the autoscaler measures, without the sidecar."""

DATA_VOLUME: Final = "data"
DATA_SIZE: Final = "1Gi"
"""The kubelet evicts a pod that exceeds it."""

TEMPORARY_VOLUME: Final = "tmp"
TEMPORARY_PATH: Final = "/tmp"  # noqa: S108 - the mount point inside the container, not a file name
TEMPORARY_SIZE: Final = "256Mi"
"""As DATA_SIZE, for large request bodies and SQLite."""

READINESS_PERIOD_SECONDS: Final = 1
"""The minimum of Kubernetes: a draining pod leaves the endpoints within `drain.pre_stop_delay_seconds`."""

LIVENESS_PERIOD_SECONDS: Final = 10
"""Source: Kubernetes, probe `periodSeconds`, default."""

PROBE_TIMEOUT_SECONDS: Final = 2
FAILURES_BEFORE_ACTION: Final = 3
"""Source: Kubernetes, probe `failureThreshold`, default."""

STARTUP_SECONDS: Final = 60
"""Longest start before the container is restarted; a start takes two seconds, a cold image cache longer."""

STARTUP_GRACE_SECONDS: Final = 5
"""Grace period of a container that fails its startup probe and therefore has no in-flight requests. Source: Kubernetes,
"Configure Probes", "Probe-level terminationGracePeriodSeconds", stable since 1.28."""


def server_container(name: str, args: MeshedMCPServiceArgs, image: Any) -> Manifest:
    """The server container, unprivileged, on a read-only root file system."""
    command = {"command": list(args.command)} if args.command else {}
    return {
        "name": CONTAINER,
        "image": image,
        **command,
        "ports": [
            _port(contract.MCP_PORT_NAME, contract.MCP_PORT),
            _port(contract.MANAGEMENT_PORT_NAME, contract.MANAGEMENT_PORT),
        ],
        "env": environment(name, args),
        "resources": resources(args),
        **probes(),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": DATA_VOLUME, "mountPath": contract.DATA_PATH},
            {"name": TEMPORARY_VOLUME, "mountPath": TEMPORARY_PATH},
        ],
    }


def environment(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Environment variables: of the runtime, then `env`, then Secrets; each name once."""
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
        **limits_environment(args.limits),
    }
    optional = {
        contract.ENV_REPLICATED: "true" if args.replicated else None,
        contract.ENV_REGISTRY_URL: args.registry_url,
        contract.ENV_OTLP_ENDPOINT: args.otlp_endpoint,
        contract.ENV_LOGS_ENDPOINT: args.logs.otlp_endpoint,
        contract.ENV_AUDIT_ENDPOINT: args.logs.audit_endpoint,
    }
    given = {key: value for key, value in optional.items() if value is not None}
    plain = [{"name": key, "value": value} for key, value in (runtime | given | args.env).items()]
    request_state = args.request_state if SharedState.REQUEST_STATE in args.shared_state else None
    redis = args.redis if SharedState.SUBSCRIPTIONS in args.shared_state else None
    shared = {contract.ENV_REQUEST_STATE_KEYS: request_state, contract.ENV_REDIS_URL: redis}
    secret = [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": source.secret, "key": source.key}}}
        for key, source in (shared | args.secret_env).items()
        if source is not None
    ]
    return plain + secret


def resources(args: MeshedMCPServiceArgs) -> Manifest:
    """Requests and the memory limit; a CPU limit only if set."""
    given = args.resources
    cpu_limit = {} if given.cpu_limit is None else {"cpu": given.cpu_limit}
    limits = cpu_limit | {"memory": given.memory_limit}
    return {"requests": {"cpu": given.cpu, "memory": given.memory}, "limits": limits}


def probes() -> Manifest:
    """Probes on the management port, which is outside the mesh, so that they check the server and not its sidecar.

    The liveness probe keeps the pod's grace period, in which a ready replica drains.
    """
    startup = _probe(contract.LIVENESS_PATH, 1, STARTUP_SECONDS)
    return {
        "startupProbe": startup | {"terminationGracePeriodSeconds": STARTUP_GRACE_SECONDS},
        "livenessProbe": _probe(contract.LIVENESS_PATH, LIVENESS_PERIOD_SECONDS, FAILURES_BEFORE_ACTION),
        "readinessProbe": _probe(contract.READINESS_PATH, READINESS_PERIOD_SECONDS, FAILURES_BEFORE_ACTION),
    }


def volumes() -> list[Manifest]:
    """The two writable folders, deleted with the pod."""
    return [
        {"name": DATA_VOLUME, "emptyDir": {"sizeLimit": DATA_SIZE}},
        {"name": TEMPORARY_VOLUME, "emptyDir": {"sizeLimit": TEMPORARY_SIZE}},
    ]


def _port(name: str, number: int) -> Manifest:
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def _probe(path: str, period_seconds: int, failure_threshold: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": contract.MANAGEMENT_PORT_NAME},
        "periodSeconds": period_seconds,
        "timeoutSeconds": PROBE_TIMEOUT_SECONDS,
        "failureThreshold": failure_threshold,
    }
