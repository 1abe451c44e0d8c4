"""Hosts outside the mesh that a service may connect to; every other one is refused by its sidecar.

A service's name and arguments in, objects out. HTTPS only: the sidecar sees the host name of the TLS handshake, not the
calls. Not here: the mesh-wide refusal (istio_values.py, `outboundTrafficPolicy`).
"""

from typing import Final
from urllib.parse import urlsplit

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.access_args import is_inside
from meshed_mcp.components.mesh.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.traffic import NETWORKING

HTTPS_PORT: Final = 443


def outside_hosts(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The declared hosts, known in the namespace only; none declared = no object.

    Source: Istio API, ServiceEntry.
    """
    hosts = list(dict.fromkeys([*args.egress_hosts, *key_hosts(args)]))
    if not hosts:
        return []
    spec = {
        "hosts": hosts,
        "ports": [{"number": HTTPS_PORT, "name": "tls", "protocol": "TLS"}],
        "location": "MESH_EXTERNAL",
        "resolution": "DNS",
        "exportTo": ["."],
    }
    meta = metadata(f"{name}-egress", args.namespace, standard_labels(name))
    return [manifest(NETWORKING, "ServiceEntry", meta, spec)]


def key_hosts(args: MeshedMCPServiceArgs) -> list[str]:
    """Where the keys of tokens come from, unless that is inside the cluster."""
    if args.auth is None:
        return []
    url = urlsplit(args.auth.jwks_url)
    return [] if is_inside(url) or url.hostname is None else [url.hostname]
