"""Hosts outside the mesh that a service may connect to; every other one is refused by its sidecar.

A service's name and arguments in, objects out. HTTPS only: the sidecar sees the host name of the TLS handshake, not the
calls. Not here: the mesh-wide refusal (istio_values.py, `outboundTrafficPolicy`).
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.traffic import NETWORKING

HTTPS_PORT: Final = 443


def outside_hosts(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The declared hosts, known in the namespace only; none declared = no object.

    Source: Istio API, ServiceEntry.
    """
    if not args.egress_hosts:
        return []
    spec = {
        "hosts": list(args.egress_hosts),
        "ports": [{"number": HTTPS_PORT, "name": "tls", "protocol": "TLS"}],
        "location": "MESH_EXTERNAL",
        "resolution": "DNS",
        "exportTo": ["."],
    }
    meta = metadata(f"{name}-egress", args.namespace, standard_labels(name))
    return [manifest(NETWORKING, "ServiceEntry", meta, spec)]
