"""Arguments for corporate networks: the HTTP proxy to external hosts, and the certificates that clients trust."""

import re
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_network
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.names import DNS_NAME, host_name, object_name
from meshed_mcp.components.mesh.egress.destinations import (
    LOOPBACK_BLOCKS,
    METADATA_BLOCKS,
    METADATA_HOSTS,
    ExternalHost,
    is_internal_host,
    is_ip_address,
)
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.error_codes import network as codes
from meshed_mcp.error_codes.addresses import ADDRESS_WITH_ZONE
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.service import EXTERNAL_HOST_IS_METADATA
from meshed_mcp.error_codes.values import INVALID_HOST_NAME

_NO_PROXY_NAME: Final = re.compile(rf"\.?{DNS_NAME}")
_CONFIG_MAP_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
"""Source: Kubernetes, "ConfigMaps", key names."""

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1", "metadata.google.internal")
"""Names of this machine, and of the metadata server that clients of Google Cloud ask for credentials."""

PRIVATE_NETWORKS: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")
"""Networks of pods, Services, nodes and metadata services, for clients that use addresses. Source: RFC 1918; RFC 6598;
RFC 3927."""


def proxy_host(value: str) -> str:
    """A DNS name outside the cluster, or an IP address that is neither loopback nor a metadata service."""
    if not is_ip_address(value):
        if host_name(value) in METADATA_HOSTS:
            raise EXTERNAL_HOST_IS_METADATA.error(name=value)
        if is_internal_host(value):
            raise codes.PROXY_IN_CLUSTER.error(value=value)
        return value
    if "%" in value:
        raise ADDRESS_WITH_ZONE.error(address=value)
    try:
        address = ip_address(value)
    except ValueError:
        raise INVALID_HOST_NAME.error(name=value) from None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address  # else an IPv4 block would not hold it
    blocks = [ip_network(block) for block in (*LOOPBACK_BLOCKS, *METADATA_BLOCKS)]
    if address.is_unspecified or address.is_multicast or any(address in block for block in blocks):
        raise codes.PROXY_ADDRESS_CLOSED.error(value=value)
    return str(address)


def no_proxy_entries(values: list[str]) -> list[str]:
    """Entries that every client reads alike: names, suffixes, addresses and IPv4 networks."""
    raise_all(codes.NO_PROXY_INVALID.message(value=value) for value in values if not _is_no_proxy_entry(value))
    return values


def _is_no_proxy_entry(value: str) -> bool:
    if not is_ip_address(value.partition("/")[0]):
        return _NO_PROXY_NAME.fullmatch(value) is not None
    try:
        network = ip_network(value)
    except ValueError:
        return False
    return "/" not in value or isinstance(network, IPv4Network)  # httpx rejects IPv6 networks at start


class EgressProxy(Model):
    """HTTP proxy to external hosts. Clients send it CONNECT in plain text, and TLS to the host inside."""

    host: Annotated[str, AfterValidator(proxy_host)]
    """DNS name outside the cluster, or IP address."""

    port: int = Field(default=3128, ge=1, le=65535)
    """Port of the proxy. Source of the default: Squid, `http_port`."""

    no_proxy: Annotated[list[str], AfterValidator(no_proxy_entries)] = Field(default_factory=list)
    """External hosts that are reached directly: a name, which includes its subdomains, `.suffix`, an address or an IPv4
    network. Names and networks of the cluster are always reached directly."""

    url_secret: SecretKey | None = None
    """Secret with the proxy's URL, for a proxy that needs credentials: `http://user:password@host:port`, with the host
    and port above; in the namespace of the services, and in `istio-system` if a service fetches the keys of an
    issuer."""

    @property
    def url(self) -> str:
        """URL without credentials."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @property
    def has_address(self) -> bool:
        """Whether the host is an IP address."""
        return is_ip_address(self.host)

    def is_direct(self, host: str) -> bool:
        """Whether clients reach an external host without the proxy. Source: Go, `httpproxy.Config.NoProxy`."""
        names = [entry for entry in self.no_proxy if not is_ip_address(entry.partition("/")[0])]
        return any(host == entry or host.endswith(f".{entry.removeprefix('.')}") for entry in names)


def proxied_hosts(hosts: list[ExternalHost], proxy: EgressProxy | None) -> list[ExternalHost]:
    """The external hosts that are reached through the proxy."""
    return [] if proxy is None else [each for each in hosts if not proxy.is_direct(each.host)]


def direct_hosts(hosts: list[ExternalHost], proxy: EgressProxy | None) -> list[ExternalHost]:
    """The external hosts that are reached without the proxy."""
    return [each for each in hosts if proxy is None or proxy.is_direct(each.host)]


def url_variables(proxy: EgressProxy, names: tuple[str, ...]) -> list[Manifest]:
    """Variables with the proxy's URL, from its Secret if it has one."""
    if proxy.url_secret is None:
        return [{"name": name, "value": proxy.url} for name in names]
    reference = {"name": proxy.url_secret.secret, "key": proxy.url_secret.key}
    return [{"name": name, "valueFrom": {"secretKeyRef": reference}} for name in names]


def _config_map_key(value: str) -> str:
    if _CONFIG_MAP_KEY.fullmatch(value) is None:
        raise codes.INVALID_CONFIG_MAP_KEY.error(value=value)
    return value


class CaBundle(Model):
    """Certificates of certificate authorities that clients trust in place of the image's own, as PEM."""

    config_map: Annotated[str, AfterValidator(object_name)]
    """ConfigMap in the namespace of the services, and in `istio-system` if a service fetches the keys of an issuer.
    Include the public authorities if clients call public hosts too."""

    key: Annotated[str, AfterValidator(_config_map_key)] = "ca-bundle.crt"
    """Key of the ConfigMap with the certificates."""
