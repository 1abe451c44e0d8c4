"""Jaeger v2: pods, volume, Service, and the CronJob that deletes expired indices of OpenSearch or Elasticsearch.

Not the official chart: it is experimental, keeps traces in memory by default, and does not restart on a changed
configuration. Source of the CronJob: Jaeger, "Elasticsearch", index cleaner.
"""

import json
from math import ceil
from typing import Final
from urllib.parse import urlsplit

import yaml

from meshed_mcp.components.core.manifest import RESTRICTED_CONTAINER, Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.sizing.resources import (
    Reservation,
    container_resources,
    restricted_pod,
    volume_claim,
)
from meshed_mcp.components.observability.tracing import jaeger_config as config
from meshed_mcp.components.observability.tracing import workload
from meshed_mcp.components.observability.tracing.jaeger_args import (
    BadgerStorage,
    JaegerSettings,
    SearchStorage,
    Storage,
)
from meshed_mcp.components.pod.manifests import adapt_pod, adapt_workload, placement_only

NAME: Final = "jaeger"
"""Name of all objects of Jaeger."""

IMAGE: Final = "jaegertracing/jaeger:2.20.0"
"""The newest version on 19 July 2026."""

PORTS: Final = {
    "grpc-otlp": config.OTLP_GRPC_PORT,
    "http-otlp": config.OTLP_HTTP_PORT,
    "http-query": config.QUERY_PORT,
    "http-metrics": config.METRICS_PORT,
}
SAMPLING_PORTS: Final = {"http-sampling": config.SAMPLING_HTTP_PORT, "grpc-sampling": config.SAMPLING_GRPC_PORT}
"""Ports of the Service; Istio selects the protocol by the prefix of the name."""

STOP_SECONDS: Final = 60
"""Time to flush memory and close Badger at shutdown."""

CLEANER: Final = "jaeger-index-cleaner"
CLEANER_IMAGE: Final = "jaegertracing/jaeger-es-index-cleaner:2.20.0"
"""Same release as Jaeger."""

SCHEDULE: Final = "55 23 * * *"
"""End of the day in UTC, which the index names use. Source: Jaeger's own deployments."""

RETRIES: Final = 3
CLEANER_RESOURCES: Final = Reservation(cpu="10m", memory="64Mi")


def jaeger_objects(settings: JaegerSettings, namespace: str, storage_class: str | None) -> list[Manifest]:
    """All objects of Jaeger, in the order of creation."""
    files, storage = config_files(settings), settings.storage
    pods = workload.workload(NAME, files, container(settings), STOP_SECONDS)
    # without OnRootMismatch each start takes minutes on large volumes
    volume_owner = {"fsGroup": workload.USER_ID, "fsGroupChangePolicy": "OnRootMismatch"}
    pods["template"]["spec"]["securityContext"] |= volume_owner
    meta = metadata(NAME, namespace)
    service = {"selector": workload.selector(NAME), "ports": workload.service_ports(ports(settings))}
    parts = workload.common_objects(NAME, namespace, files, service, settings.service_account)
    if isinstance(storage, BadgerStorage):
        claim = volume_claim(settings.storage_gib, storage_class) | {"metadata": {"name": "data"}}
        spec = {
            "replicas": 1,  # Badger allows one process; a StatefulSet stops the old pod before it starts the new one
            "serviceName": NAME,
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "volumeClaimTemplates": [claim],
            **pods,
        }
        return [*parts, adapt_workload(manifest("apps/v1", "StatefulSet", meta, spec), settings)]
    replicas = storage.replicas if isinstance(storage, SearchStorage) else 1
    deployment = adapt_workload(manifest("apps/v1", "Deployment", meta, {"replicas": replicas, **pods}), settings)
    if isinstance(storage, SearchStorage):
        return [*parts, deployment, index_cleaner(storage, settings, namespace)]
    return [*parts, deployment]


def config_files(settings: JaegerSettings) -> dict[str, str]:
    """Configuration files of Jaeger, by name."""
    found = {workload.CONFIG_FILE: yaml.safe_dump(config.jaeger_config(settings), sort_keys=False)}
    if settings.sampling is not None:
        found[config.SAMPLING_FILE] = json.dumps(config.sampling_strategies(settings.sampling), indent=2)
    return found


def ports(settings: JaegerSettings) -> dict[str, int]:
    """Ports of the Service."""
    return PORTS if settings.sampling is None else PORTS | SAMPLING_PORTS


def query_url(namespace: str) -> str:
    """URL of the UI and of the JSON API."""
    return f"http://{NAME}.{namespace}.svc:{config.QUERY_PORT}"


def container(settings: JaegerSettings) -> Manifest:
    """The container of Jaeger; Badger replays its log at start, so the startup probe allows 5 minutes."""
    found = workload.container(config.CONFIG_PATH, config.HEALTH_PATH, ports(settings), settings.resources)
    if isinstance(settings.storage, BadgerStorage):
        found["volumeMounts"].append({"name": "data", "mountPath": config.DATA_PATH})
    if credentials := login(settings.storage, config.ENV_USERNAME, config.ENV_PASSWORD):
        found["env"] = credentials
    startup = found["livenessProbe"] | {"periodSeconds": 5, "failureThreshold": 60}
    return {"name": NAME, "image": IMAGE, "startupProbe": startup, **found}


def login(storage: Storage, username: str, password: str) -> list[Manifest]:
    """Environment variables with the storage credentials, if they are configured."""
    if not isinstance(storage, SearchStorage) or storage.secret is None:
        return []
    keys = {username: "username", password: "password"}
    refs = {name: {"secretKeyRef": {"name": storage.secret, "key": key}} for name, key in keys.items()}
    return [{"name": name, "valueFrom": ref} for name, ref in refs.items()]


def index_cleaner(storage: SearchStorage, settings: JaegerSettings, namespace: str) -> Manifest:
    """Daily CronJob; concurrent runs would delete each other's indices."""
    template = {
        "metadata": {"labels": standard_labels(CLEANER)},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": restricted_pod(workload.USER_ID),
            "containers": [cleaner_container(storage, ceil(settings.retention_hours / 24))],
        },
    }
    spec = {
        "schedule": SCHEDULE,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {"spec": {"backoffLimit": RETRIES, "template": adapt_pod(template, placement_only(settings))}},
    }
    return manifest("batch/v1", "CronJob", metadata(CLEANER, namespace), spec)


def cleaner_container(storage: SearchStorage, days: int) -> Manifest:
    """The container; arguments are the days to keep and the URL."""
    secure = {"ES_TLS_ENABLED": "true"} if urlsplit(storage.url).scheme == "https" else {}
    plain = {"INDEX_PREFIX": storage.index_prefix, **secure}
    secret = login(storage, "ES_USERNAME", "ES_PASSWORD")
    return {
        "name": "cleaner",
        "image": CLEANER_IMAGE,
        "args": [str(days), storage.url],
        "env": [*({"name": name, "value": value} for name, value in plain.items()), *secret],
        "resources": container_resources(CLEANER_RESOURCES),
        "securityContext": RESTRICTED_CONTAINER,
    }
