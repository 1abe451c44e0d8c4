"""Host names and public URLs of one service: at the ingress gateway with a certificate, and at other ingresses."""

from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import domain_name, object_name
from meshed_mcp.error_codes.browsers import INVALID_PUBLIC_URL, PUBLIC_URL_WITHOUT_RUNTIME, PUBLIC_URLS_OF_ONE_HOST
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


def base_url(value: str) -> str:
    """A base URL without a slash at its end."""
    url = contract.normalized_base_url(value)
    if url is None:
        raise INVALID_PUBLIC_URL.error(value=value)
    return url


BaseURL = Annotated[str, AfterValidator(base_url)]


def public_url_issues(urls: list[str], *, has_runtime: bool) -> Iterable[Message]:
    """Public URLs of a server that does not read them, and two of one host, between which nothing would decide."""
    if urls and not has_runtime:
        yield PUBLIC_URL_WITHOUT_RUNTIME.message().at("public_urls")
    hosts = [urlsplit(url).netloc for url in urls]
    for host in sorted({host for host in hosts if hosts.count(host) > 1}):
        yield PUBLIC_URLS_OF_ONE_HOST.message(host=host).at("public_urls")
