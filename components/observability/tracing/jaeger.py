"""Jaeger v2 by our own manifests: its pods, its volume, its Service. Settings in, Kubernetes objects out.

Not the official chart: that one calls itself experimental, keeps traces in memory unless told otherwise, and does not
restart on a changed configuration. Not here: the configuration file (`jaeger_config.py`), what ages in a storage
that is not its own (`jaeger_index_cleaner.py`).
"""

import hashlib
import json
from typing import Final

import yaml

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.sizing.resources import container_resources
from meshed_mcp.components.observability.sizing.volumes import volume_claim
from meshed_mcp.components.observability.tracing.jaeger_args import (
    BadgerStorage,
    JaegerSettings,
    SearchStorage,
)
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
"""Name of every object of Jaeger, and of its Service."""

IMAGE: Final = "jaegertracing/jaeger:2.20.0"
"""Newest version that was read (19 July 2026)."""

USER_ID: Final = 10001
"""User of the image; the volume must belong to it. Source: the image's Dockerfile, `USER_UID`."""

CONFIG_FILE: Final = "config.yaml"

PORTS: Final = {
    "grpc-otlp": OTLP_GRPC_PORT,
    "http-otlp": OTLP_HTTP_PORT,
    "http-query": QUERY_PORT,
    "http-metrics": METRICS_PORT,
}
"""Ports that the Service offers; Istio selects the protocol by the name's first word."""

STOP_SECONDS: Final = 60
"""Time to write what is in memory and to close Badger, before the pod is killed."""


def manifests(settings: JaegerSettings, namespace: str, storage_class: str | None) -> list[Manifest]:
    """Everything that Jaeger needs, in the order in which it should exist."""
    data = files(settings)
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


def files(settings: JaegerSettings) -> dict[str, str]:
    """What Jaeger reads at its start, by name."""
    found = {CONFIG_FILE: yaml.safe_dump(jaeger_config(settings), sort_keys=False)}
    if settings.sampling is not None:
        found[SAMPLING_FILE] = json.dumps(sampling_strategies(settings.sampling), indent=2)
    return found


def ports(settings: JaegerSettings) -> dict[str, int]:
    """Ports that the Service offers."""
    advice = {"http-sampling": SAMPLING_HTTP_PORT, "grpc-sampling": SAMPLING_GRPC_PORT}
    return PORTS if settings.sampling is None else PORTS | advice


def query_url(namespace: str) -> str:
    """Address of the UI and of the JSON interface."""
    return f"http://{NAME}.{namespace}.svc:{QUERY_PORT}"


def service(settings: JaegerSettings, namespace: str) -> Manifest:
    """The Service; it also governs the StatefulSet, which has one pod and needs no names of pods."""
    offered = [{"name": name, "port": port, "targetPort": name} for name, port in ports(settings).items()]
    return manifest("v1", "Service", metadata(NAME, namespace), {"selector": selector(), "ports": offered})


def stateful_set(settings: JaegerSettings, namespace: str, storage_class: str | None, data: dict[str, str]) -> Manifest:
    """One pod: Badger allows one process. A StatefulSet stops the old pod before the new one opens the volume."""
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
    """Pods that keep nothing themselves, or nothing that should outlive them."""
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": selector()},
        "template": template(settings, data),
    }
    return manifest("apps/v1", "Deployment", metadata(NAME, namespace), spec)


def template(settings: JaegerSettings, data: dict[str, str]) -> Manifest:
    """The pod's template; a changed file must restart the pod, which reads it once."""
    checksum = hashlib.sha256("".join(data.values()).encode()).hexdigest()
    meta = {"labels": standard_labels(NAME), "annotations": {"checksum/config": checksum}}
    return {"metadata": meta, "spec": pod(settings)}


def selector() -> dict[str, str]:
    """Labels that find the pod."""
    return {"app.kubernetes.io/name": NAME}


def pod(settings: JaegerSettings) -> Manifest:
    """The pod, within the Pod Security Standard "restricted"."""
    return {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": STOP_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",  # not at every start: large volumes take minutes
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container(settings)],
        "volumes": [{"name": "config", "configMap": {"name": NAME}}],
    }


def container(settings: JaegerSettings) -> Manifest:
    """Jaeger; at start Badger replays its log, so the start may take 5 minutes before the liveness check counts."""
    health = {"httpGet": {"path": HEALTH_PATH, "port": "health"}}
    opened = ports(settings) | {"health": HEALTH_PORT}
    on_volume = isinstance(settings.storage, BadgerStorage)
    return {
        "name": NAME,
        "image": IMAGE,
        "args": ["--config", f"{CONFIG_PATH}/{CONFIG_FILE}"],
        **login(settings.storage, ENV_USERNAME, ENV_PASSWORD),
        "ports": [{"name": name, "containerPort": port} for name, port in opened.items()],
        "startupProbe": health | {"periodSeconds": 5, "failureThreshold": 60},
        "readinessProbe": health | {"periodSeconds": 5},
        "livenessProbe": health | {"periodSeconds": 10, "failureThreshold": 6},
        "resources": container_resources(settings.resources),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG_PATH, "readOnly": True},
            *([{"name": "data", "mountPath": DATA_PATH}] if on_volume else []),
        ],
    }
