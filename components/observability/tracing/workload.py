"""What Jaeger and the OpenTelemetry Collectors share: objects and pods of one binary with its configuration file."""

import hashlib
from collections.abc import Mapping
from typing import Final

from meshed_mcp.components.core.manifest import RESTRICTED_CONTAINER, Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.sizing.resources import Reservation, container_resources, restricted_pod
from meshed_mcp.components.observability.tracing.jaeger_config import HEALTH_PORT
from meshed_mcp.components.pod.account_args import ServiceAccountSettings
from meshed_mcp.components.pod.manifests import service_account

USER_ID: Final = 10001
"""User of the images, which owns Jaeger's volume. Source: their Dockerfiles, `USER_UID`."""

CONFIG_FILE: Final = "config.yaml"


def selector(name: str) -> dict[str, str]:
    """Label selector of the pods."""
    return {"app.kubernetes.io/name": name}


def service_ports(ports: Mapping[str, int]) -> list[Manifest]:
    """Ports of a Service, named so that Istio selects the protocol."""
    return [{"name": name, "port": port, "targetPort": name} for name, port in ports.items()]


def common_objects(
    name: str, namespace: str, files: Mapping[str, str], service: Manifest, account: ServiceAccountSettings
) -> list[Manifest]:
    """ServiceAccount, ConfigMap, Service."""
    return [
        *service_account(name, namespace, account),
        manifest("v1", "ConfigMap", metadata(name, namespace), data=dict(files)),
        manifest("v1", "Service", metadata(name, namespace), service),
    ]


def workload(name: str, files: Mapping[str, str], container: Manifest, stop_seconds: int) -> Manifest:
    """Selector and pod template; the checksum restarts the pods when a file changes."""
    checksum = hashlib.sha256("".join(files.values()).encode()).hexdigest()
    spec = {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": stop_seconds,
        "securityContext": restricted_pod(USER_ID),
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": name}}],
    }
    meta = {"labels": standard_labels(name), "annotations": {"checksum/config": checksum}}
    return {"selector": {"matchLabels": selector(name)}, "template": {"metadata": meta, "spec": spec}}


def container(config_path: str, health_path: str, ports: Mapping[str, int], reserved: Reservation) -> Manifest:
    """A container with its configuration file; the caller adds name and image."""
    health = {"httpGet": {"path": health_path, "port": "health"}}
    return {
        "args": ["--config", f"{config_path}/{CONFIG_FILE}"],
        "ports": [{"name": name, "containerPort": port} for name, port in {**ports, "health": HEALTH_PORT}.items()],
        "readinessProbe": health | {"periodSeconds": 5},
        "livenessProbe": health | {"periodSeconds": 10, "failureThreshold": 6},
        "resources": container_resources(reserved),
        "securityContext": RESTRICTED_CONTAINER,
        "volumeMounts": [{"name": "config", "mountPath": config_path, "readOnly": True}],
    }
