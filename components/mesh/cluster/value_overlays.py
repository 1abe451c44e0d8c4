"""Chart values that a mode or a membership adds to a release. Arguments in, values by release out.

Not here: the values that every mesh has (istio_releases.py).
"""

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.ambient.values import default_retries, profile_values
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.multicluster.manifests import base_profile, control_plane_membership


def value_overlay(release: str, args: ServiceMeshArgs) -> Manifest:
    """What is laid over a release's values; the control planes of all revisions are `istiod`."""
    match release:
        case "istio-base":
            return profile_values(args) | base_profile(args)
        case "istio-cni":
            return profile_values(args)
        case "istiod":
            retries = default_retries(args)
            mesh_config = {"meshConfig": retries} if retries else {}
            return {**profile_values(args), **mesh_config, **control_plane_membership(args)}
        case _:
            return {}
