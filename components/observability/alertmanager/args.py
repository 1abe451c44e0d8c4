"""Receivers of alerts: email, webhook, heartbeat. Secrets are given by name; Alertmanager reads them from files.

Not here: the routes (`routing.py`).
"""

import re
from typing import Annotated, Final, Self

from pydantic import AfterValidator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import object_name
from meshed_mcp.error_codes.observability import (
    INVALID_HOST_AND_PORT,
    INVALID_MAIL_ADDRESS,
    MAIL_LOGIN_INCOMPLETE,
    MAIL_SERVER_UNREACHABLE,
    PORT_OUT_OF_RANGE,
)
from meshed_mcp.error_codes.values import INVALID_SECRET_KEY

UNREACHABLE_HOSTS: Final = re.compile(r"(localhost|.+[.]localhost|.+[.]invalid|127[.].*|0[.]0[.]0[.]0)")
"""Loopback and names that never resolve: unreachable from a pod. Source: RFC 6761, sections 6.3 and 6.4."""

HIGHEST_PORT: Final = 65_535
"""Source: RFC 9293, "Source Port": 16 bits."""


def host_and_port(text: str) -> str:
    """`text` unchanged, if it is a host and port that a pod can reach. Raises ValueError with what to set instead."""
    if re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]{1,5}", text) is None:
        raise INVALID_HOST_AND_PORT.error(text=text)
    host, _, port = text.rpartition(":")
    if not 0 < int(port) <= HIGHEST_PORT:
        raise PORT_OUT_OF_RANGE.error(text=text, most=HIGHEST_PORT)
    if UNREACHABLE_HOSTS.fullmatch(host.lower()):
        raise MAIL_SERVER_UNREACHABLE.error(text=text, host=host)
    return text


def mail_address(text: str) -> str:
    """`text` unchanged, if it can be an email address. Raises ValueError with what to set instead."""
    if re.fullmatch(r"[^@\s]+@[^@\s]+", text) is None:
        raise INVALID_MAIL_ADDRESS.error(text=text)
    return text


def secret_key(text: str) -> str:
    """`text` unchanged, if it is a valid key of a Secret. Raises ValueError with what to set instead."""
    if re.fullmatch(r"[-._A-Za-z0-9]{1,253}", text) is None:
        raise INVALID_SECRET_KEY.error(value=text)
    return text


class SecretFile(Model):
    """One key of a Secret in the stack's namespace, mounted into Alertmanager."""

    secret: Annotated[str, AfterValidator(object_name)]
    """Name of the Secret."""

    key: Annotated[str, AfterValidator(secret_key)]
    """Key of the Secret."""


class EmailReceiver(Model):
    """Email receiver for alerts of severity critical and warning."""

    to: Annotated[str, AfterValidator(mail_address)]
    """Recipient."""

    sender: Annotated[str, AfterValidator(mail_address)]
    """Address in the From header."""

    smarthost: Annotated[str, AfterValidator(host_and_port)]
    """SMTP server, host:port."""

    username: str | None = None
    """User name for SMTP authentication; unset = no authentication."""

    password: SecretFile | None = None
    """Password for SMTP authentication."""

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            given, missing = ("username", "password") if self.password is None else ("password", "username")
            fix = {"password": "{secret: ..., key: ...}", "username": "the account's name"}[missing]
            raise MAIL_LOGIN_INCOMPLETE.error(given=given, missing=missing, fix=fix)
        return self

    require_tls: bool = True
    """Require STARTTLS of the SMTP server. Source: default of Alertmanager's `smtp_require_tls`."""
