"""Warning of an unreachable mail server at preview: one TCP connection of two seconds at most.

Names that only the cluster resolves are skipped.
"""

import socket
from collections.abc import Callable
from typing import Final

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.error_codes.stack import MAIL_SERVER_SILENT

CONNECT_SECONDS: Final = 2.0
CLUSTER_SUFFIXES: Final = (".svc", ".local", ".internal")
"""Suffixes of names that only a cluster or a private network resolves."""

Connect = Callable[[tuple[str, int], float], object]


def connect_and_close(address: tuple[str, int], seconds: float) -> None:
    """Open a connection and close it. Raises OSError."""
    socket.create_connection(address, seconds).close()


def mail_warnings(args: ObservabilityStackArgs, connect: Connect = connect_and_close) -> list[ConfigIssue]:
    """A warning if the mail server does not accept connections."""
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
        return [ConfigIssue("observability", "alertmanager.email.smarthost", message)]
    return []
