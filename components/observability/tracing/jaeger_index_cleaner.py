"""CronJob that deletes expired indices of Jaeger in OpenSearch or Elasticsearch.

Source: Jaeger, "Elasticsearch", index cleaner.
"""

from math import ceil
from typing import Final
from urllib.parse import urlsplit

from meshed_mcp.components.core.manifest import RESTRICTED_CONTAINER, Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.sizing.resources import Reservation, container_resources, restricted_pod
from meshed_mcp.components.observability.tracing.jaeger_args import SearchStorage, Storage

NAME: Final = "jaeger-index-cleaner"
IMAGE: Final = "jaegertracing/jaeger-es-index-cleaner:2.20.0"
"""Same release as Jaeger."""

SCHEDULE: Final = "55 23 * * *"
"""End of the day in UTC, which the index names use. Source: Jaeger's own deployments."""

USER_ID: Final = 10001
RETRIES: Final = 3
RESOURCES: Final = Reservation(cpu="10m", memory="64Mi")

ENV_USERNAME: Final = "ES_USERNAME"
ENV_PASSWORD: Final = "ES_PASSWORD"  # noqa: S105 - the name of a variable


def login(storage: Storage, username: str, password: str) -> Manifest:
    """The field `env` with the storage credentials, if they are configured."""
    if not isinstance(storage, SearchStorage) or storage.secret is None:
        return {}
    keys = {username: "username", password: "password"}
    refs = {name: {"secretKeyRef": {"name": storage.secret, "key": key}} for name, key in keys.items()}
    return {"env": [{"name": name, "valueFrom": ref} for name, ref in refs.items()]}


def index_cleaner(storage: SearchStorage, retention_hours: int, namespace: str) -> Manifest:
    """Daily CronJob; concurrent runs would delete each other's indices."""
    days = ceil(retention_hours / 24)
    template = {
        "metadata": {"labels": standard_labels(NAME)},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": restricted_pod(USER_ID),
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
    """The container; arguments are the days to keep and the URL."""
    secure = {"ES_TLS_ENABLED": "true"} if urlsplit(storage.url).scheme == "https" else {}
    plain = {"INDEX_PREFIX": storage.index_prefix, **secure}
    secret = login(storage, ENV_USERNAME, ENV_PASSWORD).get("env", [])
    return {
        "name": "cleaner",
        "image": IMAGE,
        "args": [str(days), storage.url],
        "env": [*({"name": name, "value": value} for name, value in plain.items()), *secret],
        "resources": container_resources(RESOURCES),
        "securityContext": RESTRICTED_CONTAINER,
    }
