"""Validation of monitoring: volume, services and mail server. `meshed-mcp capacity` covers the rest."""

import socket
from collections.abc import Callable, Collection, Iterator
from math import ceil
from typing import Final

from meshed_mcp.components.core.errors import ConfigIssue, suggestion
from meshed_mcp.components.core.scraping import PROXY_SECONDS, SERVER_SECONDS
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.existing import installed
from meshed_mcp.components.observability.prometheus.values import RETENTION_SHARE
from meshed_mcp.components.observability.sizing.formula import GIB, Load, prometheus_size
from meshed_mcp.error_codes.stack import MAIL_SERVER_SILENT, STORAGE_TOO_SMALL, UNKNOWN_SERVICE
from meshed_mcp.infra.config import StackConfig

WHERE: Final = "observability"


def monitoring_issues(config: StackConfig, names: Collection[str]) -> Iterator[ConfigIssue]:
    """A volume of the stack that is too small for the retention, and SLOs of unknown services."""
    settings = config.observability.prometheus
    needed = prometheus_size(least_load(config), settings.retention_days, RETENTION_SHARE).disk_bytes / GIB
    if installed(settings) and needed > settings.storage_gib:
        days, given = settings.retention_days, settings.storage_gib
        message = STORAGE_TOO_SMALL.message(days=days, needed=ceil(needed), given=given)
        yield ConfigIssue(WHERE, "prometheus.retention_days", message)
    for name in config.observability.slo.services:
        if name not in names:
            message = UNKNOWN_SERVICE.message(name=name, suggested=suggestion(name, sorted(names)))
            yield ConfigIssue(WHERE, f"slo.services.{name}", message)


def least_load(config: StackConfig) -> Load:
    """The least load that the stack puts on monitoring."""
    pods = sum(max(1, item.scaling.min_replicas) for item in config.services.values())
    return Load(
        pods=pods,
        nodes=1,
        tools=1,
        organizations=1,
        calls_per_second=0.0,
        sampled=0.0,
        server_seconds=SERVER_SECONDS,
        proxy_seconds=PROXY_SECONDS,
        cluster_seconds=config.observability.prometheus.scrape_interval_seconds,
        servers=len(config.services),
    )


CONNECT_SECONDS: Final = 2.0
CLUSTER_SUFFIXES: Final = (".svc", ".local", ".internal")
"""Suffixes of names that only a cluster or a private network resolves."""

Connect = Callable[[tuple[str, int], float], object]


def connect_and_close(address: tuple[str, int], seconds: float) -> None:
    """Open a connection and close it. Raises OSError."""
    socket.create_connection(address, seconds).close()


def mail_warnings(args: ObservabilityStackArgs, connect: Connect = connect_and_close) -> list[ConfigIssue]:
    """A warning at preview if the mail server accepts no connection; names that only a cluster resolves are skipped."""
    email = args.alertmanager.email
    if email is None:
        return []
    host, _, port = email.smarthost.rpartition(":")
    if "." not in host or host.endswith(CLUSTER_SUFFIXES):
        return []
    try:
        connect((host, int(port)), CONNECT_SECONDS)
    except OSError as error:
        why = error.strerror or str(error)
        message = MAIL_SERVER_SILENT.message(smarthost=email.smarthost, why=why)
        return [ConfigIssue(WHERE, "alertmanager.email.smarthost", message)]
    return []
