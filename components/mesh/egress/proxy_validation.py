"""Validation of environment variables that name a proxy or certificates.

A service that sets a proxy by itself needs a destination that a CONNECT in plain text reaches.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.egress.ca_bundle import CA_VARIABLES
from meshed_mcp.components.mesh.egress.destinations import ExternalHost, is_internal_host, is_ip_address
from meshed_mcp.components.mesh.egress.proxy_args import CaBundle, EgressProxy
from meshed_mcp.error_codes import network as codes
from meshed_mcp.error_codes.code import Message

URL_VARIABLES: Final = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
"""Variables with the proxy's URL; clients differ in which case they read. Source: curl, "Proxy environment
variables"."""

LIST_VARIABLES: Final = ("NO_PROXY", "no_proxy")
ALL_VARIABLES: Final = ("ALL_PROXY", "all_proxy")
DEFAULT_PORT: Final = 1080
"""Port of a proxy whose URL has none. Source: curl, `--proxy`."""


def proxy_variable_issues(env: Mapping[str, Any], hosts: list[ExternalHost]) -> Iterator[Message]:
    """Proxies outside the cluster in `env` that are declared nowhere, or as TLS although clients speak plain text."""
    for variable, url in proxies_in(env).items():
        host, port = url.hostname or "", url.port or DEFAULT_PORT
        if is_internal_host(host) and not is_ip_address(host):
            continue
        if ExternalHost(host, port) not in hosts:
            yield codes.PROXY_NOT_DECLARED.message(variable=variable, host=host, port=port)
        elif url.scheme != "https":
            yield codes.PROXY_DECLARED_AS_TLS.message(variable=variable, host=host, port=port)


def proxies_in(env: Mapping[str, Any]) -> dict[str, SplitResult]:
    """Variable -> proxy's URL, of the values that are known before the deployment. Source: curl, `--proxy`."""
    found = {}
    for variable in (*URL_VARIABLES, *ALL_VARIABLES):
        value = env.get(variable)
        if isinstance(value, str) and value:
            found[variable] = urlsplit(value if "://" in value else f"http://{value}")
    return found


def derived_variable_issues(
    names: Mapping[str, Any], proxy: EgressProxy | None, bundle: CaBundle | None
) -> Iterator[Message]:
    """Variables of a service that `egress_proxy` or `ca_bundle` sets."""
    given = (
        [] if proxy is None else [each for each in (*URL_VARIABLES, *LIST_VARIABLES, *ALL_VARIABLES) if each in names]
    )
    if given:
        yield codes.PROXY_VARIABLE_DERIVED.message(names=listed(given))
    certificates = [] if bundle is None else [each for each in CA_VARIABLES if each in names]
    if certificates:
        yield codes.CA_VARIABLE_DERIVED.message(names=listed(certificates))
