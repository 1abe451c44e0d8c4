"""Whether a stack's mail server answers from where it is previewed: a warning, for the cluster may see more or less.

Settings in, sentences out; the only thing of a preview that asks the network, for two seconds at most. Names that only
the cluster knows are not asked. Not here: names that cannot be reached from anywhere (`components/observability`).
"""

import socket
from collections.abc import Callable
from typing import Final

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.error_codes.stack import MAIL_SERVER_SILENT

ANSWER_SECONDS: Final = 2.0
CLUSTER_SUFFIXES: Final = (".svc", ".local", ".internal")
"""Ends of names that a cluster or a private network resolves."""

Connect = Callable[[tuple[str, int], float], object]


def connect(address: tuple[str, int], seconds: float) -> None:
    """Open a connection and close it. Raises OSError."""
    socket.create_connection(address, seconds).close()


def mail_warnings(args: ObservabilityStackArgs, opened: Connect = connect) -> list[ConfigIssue]:
    """A warning where the mail server does not answer."""
    email = args.alertmanager.email
    if email is None:
        return []
    host, _, port = email.smarthost.rpartition(":")
    if "." not in host or host.endswith(CLUSTER_SUFFIXES):
        return []
    try:
        opened((host, int(port)), ANSWER_SECONDS)
    except OSError as error:
        why = error.strerror or str(error)
        message = MAIL_SERVER_SILENT.message(smarthost=email.smarthost, why=why)
        return [ConfigIssue("observability", "alertmanager.email.smarthost", message)]
    return []
