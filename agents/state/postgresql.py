"""PostgreSQL engine whose login may change while the process runs.

A new connection uses the newest login. While PostgreSQL does not accept it yet, connections use the last accepted login
of the same server, so that the Secret may change before the server. As soon as PostgreSQL accepts the new login, idle
connections of the old one are replaced when they are next used. A login of another server takes effect at once.
"""

import logging
import threading
from contextlib import ExitStack
from time import monotonic
from typing import Any, Final

from sqlalchemy import URL, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError

from meshed_mcp.agents.process.memory_files import memory_file
from meshed_mcp.agents.process.server_login import LoginValues, ServerLogin

DRIVER: Final = "postgresql+psycopg"
CONNECT_TIMEOUT_SECONDS: Final = 5  # timeout for a new PostgreSQL connection, and for a free one of the pool
TCP_USER_TIMEOUT_MILLISECONDS: Final = 10_000
"""Timeout for unacknowledged data: the kernel's default blocks callers of a lost host for a quarter of an hour.

Source: PostgreSQL, libpq, `tcp_user_timeout`; Linux, tcp(7), default of `tcp_retries2`."""

PROBE_SECONDS: Final = 5.0
"""Pause between two attempts with a login that PostgreSQL does not accept, which cost a connection each."""

VERIFY_FULL: Final = "verify-full"
"""`sslmode` of a URL that sets none, if the certificate authority is known. Source: PostgreSQL, libpq, `sslmode`."""

_LOGIN: Final = "login"  # key in the information of a pooled connection

logger = logging.getLogger(__name__)


def postgresql_engine(login: ServerLogin) -> Engine:
    """Return an engine that follows the login. Raises MessageError if a file cannot be read."""
    # pre_ping replaces a connection that a failover or an idle timeout has closed.
    engine = create_engine(DRIVER + "://", pool_pre_ping=True, pool_timeout=CONNECT_TIMEOUT_SECONDS)
    logins = _Logins(login, engine.dialect)
    event.listen(engine, "do_connect", logins.connect)
    event.listen(engine, "checkout", logins.check)
    return engine


class _Logins:
    """Event handlers of one engine. Every method may run in several threads."""

    def __init__(self, login: ServerLogin, dialect: Dialect) -> None:
        self._login, self._dialect = login, dialect
        self._accepted: LoginValues | None = None
        self._rejected: LoginValues | None = None
        self._rejected_at = 0.0
        self._probing = threading.Lock()

    def connect(self, dialect: Dialect, record: Any, _arguments: Any, _parameters: Any) -> Any:
        """Handler of `do_connect`: return a connection with the newest login, or with the last accepted one."""
        newest, accepted = self._login.read(), self._accepted
        try:
            connection = open_connection(dialect, newest)
        except dialect.loaded_dbapi.OperationalError:
            if accepted is None or newest == accepted or not newest.is_same_server(accepted):
                raise
            self._note_rejection(newest)
            connection = open_connection(dialect, accepted)
            record.info[_LOGIN] = accepted
            return connection
        self._note_acceptance(newest)
        record.info[_LOGIN] = newest
        return connection

    def check(self, _connection: Any, record: Any, _proxy: Any) -> None:
        """Handler of `checkout`: replace a connection of an old login as soon as the newest one is accepted.

        Raises DisconnectionError, after which the pool opens another connection. Source: SQLAlchemy, `PoolEvents`.
        """
        newest, used = self._login.read(), record.info.get(_LOGIN)
        if used == newest or (used is not None and newest.is_same_server(used) and not self._accepts(newest)):
            return
        raise DisconnectionError("the login has changed")

    def _accepts(self, newest: LoginValues) -> bool:
        """Whether PostgreSQL accepts the login, by a connection of its own; one thread at a time tries."""
        if newest == self._accepted:
            return True
        if newest == self._rejected and monotonic() - self._rejected_at < PROBE_SECONDS:
            return False
        if not self._probing.acquire(blocking=False):
            return False
        try:
            open_connection(self._dialect, newest).close()
        except self._dialect.loaded_dbapi.OperationalError:
            self._note_rejection(newest)
            return False
        else:
            self._note_acceptance(newest)
            return True
        finally:
            self._probing.release()

    def _note_acceptance(self, login: LoginValues) -> None:
        if self._accepted is not None and login != self._accepted:
            logger.info("PostgreSQL accepts the new login; connections of the old one are replaced")
        self._accepted, self._rejected = login, None

    def _note_rejection(self, login: LoginValues) -> None:
        if login != self._rejected:
            logger.warning("PostgreSQL does not accept the new login yet; the old one stays in use")
        self._rejected, self._rejected_at = login, monotonic()


def open_connection(dialect: Dialect, login: LoginValues) -> Any:
    """Return a connection of the driver. Raises the driver's OperationalError."""
    arguments, parameters = dialect.create_connect_args(postgresql_url(login.url))
    limits = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "tcp_user_timeout": TCP_USER_TIMEOUT_MILLISECONDS}
    texts = {"sslrootcert": login.ca, "sslcert": login.certificate, "sslkey": login.private_key}
    with ExitStack() as files:
        paths = {name: files.enter_context(memory_file(text)) for name, text in texts.items() if text is not None}
        mode = {"sslmode": VERIFY_FULL} if login.ca is not None else {}
        return dialect.connect(*arguments, **{**limits, **mode, **parameters, **paths})


def postgresql_url(text: str) -> URL:
    """The URL with the driver of the runtime. Raises ArgumentError."""
    return make_url(text).set(drivername=DRIVER)
