"""To whom alerts go: e-mail, a webhook, a heartbeat. Secrets are named, never written: Alertmanager reads files.

Not here: which alert goes where (`alert_routing.py`).
"""

import re
from typing import Annotated, Final, Self

from pydantic import AfterValidator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import object_name

NOWHERE: Final = re.compile(r"(localhost|.+[.]localhost|.+[.]invalid|127[.].*|0[.]0[.]0[.]0)")
"""Hosts that no pod reaches: itself, and names that are made never to exist. Source: RFC 6761, sections 6.3 and 6.4."""

HIGHEST_PORT: Final = 65_535
"""Source: RFC 9293, "Source Port": 16 bits."""


def host_and_port(text: str) -> str:
    """`text` as it is, if a pod may reach it. Raises ValueError with what to write instead."""
    fix = "write one such as 'smtp.example.com:587'"
    if re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]{1,5}", text) is None:
        raise ValueError(f"{text!r} is no host with a port; {fix}")
    host, _, port = text.rpartition(":")
    if not 0 < int(port) <= HIGHEST_PORT:
        raise ValueError(f"{text!r} has no port from 1 to {HIGHEST_PORT}; {fix}")
    if NOWHERE.fullmatch(host.lower()):
        raise ValueError(f"{text!r} cannot be reached from a pod: {host} is the pod itself, or no name at all; {fix}")
    return text


def mail_address(text: str) -> str:
    """`text` as it is, if it may be a mail address. Raises ValueError with what to write instead."""
    if re.fullmatch(r"[^@\s]+@[^@\s]+", text) is None:
        raise ValueError(f"{text!r} is no mail address; write one such as 'operators@example.com'")
    return text


def secret_key(text: str) -> str:
    """`text` as it is, if a Secret can have such a key. Raises ValueError with what to write instead."""
    if re.fullmatch(r"[-._A-Za-z0-9]{1,253}", text) is None:
        raise ValueError(f"{text!r} is no key of a Secret; write letters, digits, '-', '_' and '.', such as 'url'")
    return text


class SecretFile(Model):
    """One key of a Secret in the stack's namespace, mounted into Alertmanager."""

    secret: Annotated[str, AfterValidator(object_name)]
    """Name of the Secret."""

    key: Annotated[str, AfterValidator(secret_key)]
    """Key inside the Secret."""


class EmailReceiver(Model):
    """Mail for alerts of severity critical and warning."""

    to: Annotated[str, AfterValidator(mail_address)]
    """Who gets it."""

    sender: Annotated[str, AfterValidator(mail_address)]
    """Whom it is from."""

    smarthost: Annotated[str, AfterValidator(host_and_port)]
    """Mail server, host:port."""

    username: str | None = None
    """Name to log in with; unset = without logging in."""

    password: SecretFile | None = None
    """Password to log in with."""

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            given, missing = ("username", "password") if self.password is None else ("password", "username")
            fix = {"password": "{secret: ..., key: ...}", "username": "the account's name"}[missing]
            raise ValueError(f"{given} is given without {missing}, so no login works; write {missing}: {fix}")
        return self

    require_tls: bool = True
    """Refuse a mail server that does not offer STARTTLS. Source: default of Alertmanager's `smtp_require_tls`."""
