"""Stacks of the clusters of one mesh: their outputs, and StackReferences to those of others."""

import pytest
import yaml

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.multicluster.manifests import remote_secret_name
from meshed_mcp.infra.planning.peers import ADDRESS_OUTPUT, KUBECONFIG_OUTPUT
from meshed_mcp.infra.recording.project import SECRET_PLACEHOLDER
from meshed_mcp.infra.recording.recorder import OTHER_STACK_PLACEHOLDER
from tests.stacks import EXAMPLES, recording

READERS = [("east", "west"), ("west", "east"), ("primary", "remote")]
"""Cluster, and the peer whose API server it reads."""


def membership(stack: str) -> Manifest:
    """What a stack file says of its cluster."""
    config = yaml.safe_load((EXAMPLES / f"Pulumi.{stack}.yaml").read_text())["config"]
    found: Manifest = config["meshed-mcp:mesh"]["multi_cluster"]
    return found


def project() -> str:
    """Name of the project whose stacks these are."""
    name: str = yaml.safe_load((EXAMPLES / "Pulumi.yaml").read_text())["name"]
    return name


@pytest.mark.parametrize(("reader", "peer"), READERS)
def test_kubeconfig_passes_between_stacks_as_a_secret(reader: str, peer: str) -> None:
    """Pulumi, "StackReference": outputs by name; an access to an API server is a secret in both states."""
    assert membership(reader)["peers"][peer]["stack"] == f"organization/{project()}/{peer}"
    assert recording(peer).stack_outputs[KUBECONFIG_OUTPUT] == SECRET_PLACEHOLDER
    name = remote_secret_name(membership(peer)["cluster"])
    (secret,) = [item for item in recording(reader).objects if item["metadata"]["name"] == name]
    assert secret["stringData"] == {membership(peer)["cluster"]: SECRET_PLACEHOLDER}


def test_remote_cluster_reads_the_gateway_address_of_its_primary() -> None:
    """Istio chart `istiod`, profile remote: `remotePilotAddress`; a host name, and no secret."""
    named = membership("remote")["primary"]
    assert (named["stack"], named["cluster"]) == (f"organization/{project()}/primary", membership("primary")["cluster"])
    assert recording("primary").stack_outputs[ADDRESS_OUTPUT] == membership("primary")["gateway_address"]
    (istiod,) = [each for each in recording("remote").releases if each["chart"].rpartition("/")[2] == "istiod"]
    assert istiod["values"]["global"]["remotePilotAddress"] == OTHER_STACK_PLACEHOLDER


def test_both_clusters_of_a_pair_share_one_mesh_on_two_networks() -> None:
    """Istio, "Install Multi-Primary on different networks": one mesh id, and a name and a network for each."""
    for reader, peer in READERS:
        one, other = membership(reader), membership(peer)
        assert one["mesh_id"] == other["mesh_id"]
        assert one["peers"][peer]["network"] == other["network"] != one["network"]
        assert one["cluster"] != other["cluster"]


def test_single_cluster_stack_exports_no_kubeconfig() -> None:
    """Requirement CFG-11: a kubeconfig that no other stack reads is not exported."""
    assert {KUBECONFIG_OUTPUT, ADDRESS_OUTPUT} & recording("dev").stack_outputs.keys() == set()
