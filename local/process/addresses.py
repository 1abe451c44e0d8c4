"""Exclusive resources of a run, which the kernel releases: loopback addresses, the gateway's port, the state folder."""

import errno
import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from meshed_mcp.error_codes.local import ALREADY_RUNNING, GATEWAY_PORT_TAKEN, NO_FREE_BLOCK, NO_LOOPBACK_BLOCK
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.topology import ADMIN_PORT, LOOPBACK

BLOCKS: Final = range(16, 250)
"""Second bytes of loopback addresses; a run reserves the first free one."""


@contextmanager
def address_block() -> Iterator[int]:
    """Reserve a second byte of loopback addresses. Raises LocalRunError if none is free."""
    for block in BLOCKS:
        with socket.socket() as lease:
            try:
                lease.bind((f"127.{block}.0.1", ADMIN_PORT))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise LocalRunError(NO_LOOPBACK_BLOCK.message(block=block, strerror=error.strerror)) from None
            yield block
            return
    raise LocalRunError(NO_FREE_BLOCK.message())


@contextmanager
def only_run(state: Path) -> Iterator[None]:
    """Lock the state folder. Raises LocalRunError if another run has it."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalRunError(ALREADY_RUNNING.message(state=state)) from None
        yield


def ensure_free(port: int) -> None:
    """Raise LocalRunError if the gateway cannot listen on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ignore TIME_WAIT
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            message = GATEWAY_PORT_TAKEN.message(port=port, loopback=LOOPBACK, strerror=error.strerror)
            raise LocalRunError(message) from None
