"""Host names of one service at the ingress gateway, each with a certificate of its own or that of the gateway."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import domain_name, object_name
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.service import HOST_LISTED_TWICE, HOSTS_WITHOUT_EXPOSE


class ServiceHost(Model):
    """One host name of a service."""

    host: Annotated[str, AfterValidator(domain_name)]
    """Host name, fully qualified, in any case."""

    tls_secret: Annotated[str, AfterValidator(object_name)] | None = None
    """TLS Secret in the gateway's namespace with the certificate of this host; unset = the gateway's `tls_secret`."""


def host_mapping(value: Any) -> Any:
    """A host as text is one with the certificate of the gateway."""
    return {"host": value} if isinstance(value, str) else value


HostEntry = Annotated[ServiceHost, BeforeValidator(host_mapping)]
"""A host name as text, or `{host, tls_secret}`."""


def host_issues(hosts: list[ServiceHost], *, expose: bool) -> Iterable[Message]:
    """Hosts of a service that is not exposed, and hosts listed twice, case ignored."""
    if hosts and not expose:
        yield HOSTS_WITHOUT_EXPOSE.message().at("hosts")
    names = [each.host for each in hosts]
    for host in sorted({name for name in names if names.count(name) > 1}):
        yield HOST_LISTED_TWICE.message(host=host).at("hosts")
