"""Jaeger v2 by our own manifests: one replica, its volume, its Service. Settings in, Kubernetes objects out.

Not the official chart: that one calls itself experimental, keeps traces in memory unless told otherwise, and does not
restart on a changed configuration. Not here: the configuration file (`jaeger_config.py`).
"""

import hashlib
from typing import Final

import yaml

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.args import JaegerSettings, ObservabilityStackArgs
from meshed_mcp.components.observability.jaeger_config import (
    DATA_PATH,
    HEALTH_PATH,
    HEALTH_PORT,
    METRICS_PORT,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
    QUERY_PORT,
    jaeger_config,
)
from meshed_mcp.components.observability.reservation import container_resources
from meshed_mcp.components.observability.volumes import volume_claim

NAME: Final = "jaeger"
"""Name of every object of Jaeger, and of its Service."""

IMAGE: Final = "jaegertracing/jaeger:2.20.0"
"""Newest version that was read (19 July 2026)."""

USER_ID: Final = 10001
"""User of the image; the volume must belong to it. Source: the image's Dockerfile, `USER_UID`."""

CONFIG_PATH: Final = "/etc/jaeger"
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
    config = yaml.safe_dump(jaeger_config(settings.retention_hours), sort_keys=False)
    return [
        manifest("v1", "ServiceAccount", metadata(NAME, namespace), automountServiceAccountToken=False),
        manifest("v1", "ConfigMap", metadata(NAME, namespace), data={CONFIG_FILE: config}),
        service(namespace),
        stateful_set(settings, namespace, storage_class, config),
    ]


def collector_host(args: ObservabilityStackArgs, cluster_domain: str) -> str:
    """Host name of the Service, complete, as the mesh names its trace collector; the port is `OTLP_GRPC_PORT`."""
    return f"{NAME}.{args.namespace}.svc.{cluster_domain}"


def otlp_endpoint(namespace: str) -> str:
    """Where applications and proxies send spans, OTLP over gRPC."""
    return f"http://{NAME}.{namespace}.svc:{OTLP_GRPC_PORT}"


def query_url(namespace: str) -> str:
    """Address of the UI and of the JSON interface."""
    return f"http://{NAME}.{namespace}.svc:{QUERY_PORT}"


def service(namespace: str) -> Manifest:
    """The Service; it also governs the StatefulSet, which has one pod and needs no names of pods."""
    ports = [{"name": name, "port": port, "targetPort": name} for name, port in PORTS.items()]
    return manifest("v1", "Service", metadata(NAME, namespace), {"selector": selector(), "ports": ports})


def stateful_set(settings: JaegerSettings, namespace: str, storage_class: str | None, config: str) -> Manifest:
    """One pod: Badger allows one process. A StatefulSet stops the old pod before the new one opens the volume."""
    claim = volume_claim(settings.storage_gib, storage_class) | {"metadata": {"name": "data"}}
    checksum = hashlib.sha256(config.encode()).hexdigest()
    template = {
        "metadata": {
            "labels": standard_labels(NAME),
            "annotations": {"checksum/config": checksum},  # a changed file must restart the pod, which reads it once
        },
        "spec": pod(settings),
    }
    spec = {
        "replicas": 1,
        "serviceName": NAME,
        "selector": {"matchLabels": selector()},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "template": template,
        "volumeClaimTemplates": [claim],
    }
    return manifest("apps/v1", "StatefulSet", metadata(NAME, namespace), spec)


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
    ports = PORTS | {"health": HEALTH_PORT}
    return {
        "name": NAME,
        "image": IMAGE,
        "args": ["--config", f"{CONFIG_PATH}/{CONFIG_FILE}"],
        "ports": [{"name": name, "containerPort": port} for name, port in ports.items()],
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
            {"name": "data", "mountPath": DATA_PATH},
        ],
    }
