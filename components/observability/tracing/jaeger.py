"""Jaeger v2: pods, volume and Service.

Not the official chart: it is experimental, keeps traces in memory by default, and does not restart on a changed
configuration.
"""

import hashlib
import json
from typing import Final

import yaml

from meshed_mcp.components.core.manifest import RESTRICTED_CONTAINER, Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.sizing.resources import container_resources, restricted_pod, volume_claim
from meshed_mcp.components.observability.tracing.jaeger_args import BadgerStorage, JaegerSettings, SearchStorage
from meshed_mcp.components.observability.tracing.jaeger_config import (
    CONFIG_PATH,
    DATA_PATH,
    ENV_PASSWORD,
    ENV_USERNAME,
    HEALTH_PATH,
    HEALTH_PORT,
    METRICS_PORT,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
    QUERY_PORT,
    SAMPLING_FILE,
    SAMPLING_GRPC_PORT,
    SAMPLING_HTTP_PORT,
    jaeger_config,
    sampling_strategies,
)
from meshed_mcp.components.observability.tracing.jaeger_index_cleaner import index_cleaner, login

NAME: Final = "jaeger"
"""Name of all objects of Jaeger."""

IMAGE: Final = "jaegertracing/jaeger:2.20.0"
"""The newest version on 19 July 2026."""

USER_ID: Final = 10001
"""User of the image, which owns the volume. Source: the image's Dockerfile, `USER_UID`."""

CONFIG_FILE: Final = "config.yaml"

PORTS: Final = {
    "grpc-otlp": OTLP_GRPC_PORT,
    "http-otlp": OTLP_HTTP_PORT,
    "http-query": QUERY_PORT,
    "http-metrics": METRICS_PORT,
}
"""Ports of the Service; Istio selects the protocol by the prefix of the name."""

STOP_SECONDS: Final = 60
"""Time to flush memory and close Badger at shutdown."""


def jaeger_objects(settings: JaegerSettings, namespace: str, storage_class: str | None) -> list[Manifest]:
    """All objects of Jaeger, in the order of creation."""
    data = config_files(settings)
    parts = [
        manifest("v1", "ServiceAccount", metadata(NAME, namespace), automountServiceAccountToken=False),
        manifest("v1", "ConfigMap", metadata(NAME, namespace), data=data),
        service(settings, namespace),
    ]
    match settings.storage:
        case SearchStorage() as storage:
            cleaner = index_cleaner(storage, settings.retention_hours, namespace)
            return [*parts, deployment(settings, storage.replicas, namespace, data), cleaner]
        case BadgerStorage():
            return [*parts, stateful_set(settings, namespace, storage_class, data)]
        case _:
            return [*parts, deployment(settings, 1, namespace, data)]


def config_files(settings: JaegerSettings) -> dict[str, str]:
    """Configuration files of Jaeger, by name."""
    found = {CONFIG_FILE: yaml.safe_dump(jaeger_config(settings), sort_keys=False)}
    if settings.sampling is not None:
        found[SAMPLING_FILE] = json.dumps(sampling_strategies(settings.sampling), indent=2)
    return found


def ports(settings: JaegerSettings) -> dict[str, int]:
    """Ports of the Service."""
    sampling = {"http-sampling": SAMPLING_HTTP_PORT, "grpc-sampling": SAMPLING_GRPC_PORT}
    return PORTS if settings.sampling is None else PORTS | sampling


def query_url(namespace: str) -> str:
    """URL of the UI and of the JSON API."""
    return f"http://{NAME}.{namespace}.svc:{QUERY_PORT}"


def service(settings: JaegerSettings, namespace: str) -> Manifest:
    """The Service, which is also the `serviceName` of the StatefulSet."""
    service_ports = [{"name": name, "port": port, "targetPort": name} for name, port in ports(settings).items()]
    return manifest("v1", "Service", metadata(NAME, namespace), {"selector": selector(), "ports": service_ports})


def stateful_set(settings: JaegerSettings, namespace: str, storage_class: str | None, data: dict[str, str]) -> Manifest:
    """One pod, because Badger allows one process. A StatefulSet stops the old pod before it starts the new one."""
    claim = volume_claim(settings.storage_gib, storage_class) | {"metadata": {"name": "data"}}
    spec = {
        "replicas": 1,
        "serviceName": NAME,
        "selector": {"matchLabels": selector()},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "template": template(settings, data),
        "volumeClaimTemplates": [claim],
    }
    return manifest("apps/v1", "StatefulSet", metadata(NAME, namespace), spec)


def deployment(settings: JaegerSettings, replicas: int, namespace: str, data: dict[str, str]) -> Manifest:
    """Pods without a volume."""
    spec = {"replicas": replicas, "selector": {"matchLabels": selector()}, "template": template(settings, data)}
    return manifest("apps/v1", "Deployment", metadata(NAME, namespace), spec)


def template(settings: JaegerSettings, data: dict[str, str]) -> Manifest:
    """The pod template; the checksum restarts the pod when a file changes."""
    checksum = hashlib.sha256("".join(data.values()).encode()).hexdigest()
    meta = {"labels": standard_labels(NAME), "annotations": {"checksum/config": checksum}}
    return {"metadata": meta, "spec": pod(settings)}


def selector() -> dict[str, str]:
    """Label selector of the pods."""
    return {"app.kubernetes.io/name": NAME}


def pod(settings: JaegerSettings) -> Manifest:
    """The pod, under the Pod Security Standard "restricted"."""
    return {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": STOP_SECONDS,
        "securityContext": {
            **restricted_pod(USER_ID),
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",  # else each start takes minutes on large volumes
        },
        "containers": [container(settings)],
        "volumes": [{"name": "config", "configMap": {"name": NAME}}],
    }


def container(settings: JaegerSettings) -> Manifest:
    """The container of Jaeger; Badger replays its log at start, so the startup probe allows 5 minutes."""
    health = {"httpGet": {"path": HEALTH_PATH, "port": "health"}}
    on_volume = isinstance(settings.storage, BadgerStorage)
    return {
        "name": NAME,
        "image": IMAGE,
        "args": ["--config", f"{CONFIG_PATH}/{CONFIG_FILE}"],
        **login(settings.storage, ENV_USERNAME, ENV_PASSWORD),
        "ports": [
            {"name": name, "containerPort": port} for name, port in (ports(settings) | {"health": HEALTH_PORT}).items()
        ],
        "startupProbe": health | {"periodSeconds": 5, "failureThreshold": 60},
        "readinessProbe": health | {"periodSeconds": 5},
        "livenessProbe": health | {"periodSeconds": 10, "failureThreshold": 6},
        "resources": container_resources(settings.resources),
        "securityContext": RESTRICTED_CONTAINER,
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG_PATH, "readOnly": True},
            *([{"name": "data", "mountPath": DATA_PATH}] if on_volume else []),
        ],
    }
