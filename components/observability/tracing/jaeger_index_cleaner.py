"""What ages in an OpenSearch or Elasticsearch: a CronJob that removes indices past their day. Settings in, object out.

Neither removes anything itself. Not here: Jaeger (`jaeger.py`). Source: Jaeger, "Elasticsearch", index cleaner.
"""

from math import ceil
from typing import Final
from urllib.parse import urlsplit

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.sizing.resources import Reservation, container_resources
from meshed_mcp.components.observability.tracing.jaeger_args import SearchStorage, Storage

NAME: Final = "jaeger-index-cleaner"
IMAGE: Final = "jaegertracing/jaeger-es-index-cleaner:2.20.0"
"""Of the same release as Jaeger."""

SCHEDULE: Final = "55 23 * * *"
"""Just before the day ends, as Jaeger's own deployments do it; UTC like the names of the indices."""

USER_ID: Final = 10001
RETRIES: Final = 3
RESOURCES: Final = Reservation(cpu="10m", memory="64Mi")

ENV_USERNAME: Final = "ES_USERNAME"
ENV_PASSWORD: Final = "ES_PASSWORD"  # noqa: S105 - the name of a variable


def login(storage: Storage, username: str, password: str) -> Manifest:
    """The field `env` that holds the storage's login; no field where there is none."""
    if not isinstance(storage, SearchStorage) or storage.secret is None:
        return {}
    keys = {username: "username", password: "password"}
    refs = {name: {"secretKeyRef": {"name": storage.secret, "key": key}} for name, key in keys.items()}
    return {"env": [{"name": name, "valueFrom": ref} for name, ref in refs.items()]}


def index_cleaner(storage: SearchStorage, retention_hours: int, namespace: str) -> Manifest:
    """Once a day; a run that overlaps would remove what the other lists."""
    days = ceil(retention_hours / 24)
    template = {
        "metadata": {"labels": standard_labels(NAME)},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER_ID,
                "runAsGroup": USER_ID,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container(storage, days)],
        },
    }
    spec = {
        "schedule": SCHEDULE,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {"spec": {"backoffLimit": RETRIES, "template": template}},
    }
    return manifest("batch/v1", "CronJob", metadata(NAME, namespace), spec)


def container(storage: SearchStorage, days: int) -> Manifest:
    """The program: number of days to keep, then where."""
    secure = {"ES_TLS_ENABLED": "true"} if urlsplit(storage.url).scheme == "https" else {}
    plain = {"INDEX_PREFIX": storage.index_prefix, **secure}
    secret = login(storage, ENV_USERNAME, ENV_PASSWORD).get("env", [])
    return {
        "name": "cleaner",
        "image": IMAGE,
        "args": [str(days), storage.url],
        "env": [*({"name": name, "value": value} for name, value in plain.items()), *secret],
        "resources": container_resources(RESOURCES),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
