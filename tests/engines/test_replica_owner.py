"""Field ownership of replicas on a real API server: only a forced apply overrides an autoscaler."""

from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.workload import FORCE_REPLICAS, deployment, versions
from tests.engines.api_server import ApiServer


def test_a_fixed_size_replaces_the_autoscalers_replicas(api_server: ApiServer) -> None:
    """Kubernetes, "Server-Side Apply", conflicts: another manager's field changes only where an apply is forced."""
    client = api_server.client
    raw = {"image": "registry.example.com/mcp-owned:1", "namespace": "default", "replicas": 2}
    scaled = MeshedMCPServiceArgs.model_validate({**raw, "autoscaled": ["stable"]})
    fixed = MeshedMCPServiceArgs.model_validate(raw)
    before, after = (deployment("mcp-owned", args, versions("mcp-owned", args)[0]) for args in (scaled, fixed))
    assert client.apply(before) is None
    client.merge(f"{client.path(before)}/scale", {"spec": {"replicas": 9}})
    assert after["metadata"]["annotations"] == FORCE_REPLICAS
    assert client.apply(after, force=False) is not None
    assert (client.get(after) or {})["spec"]["replicas"] == 9
    assert client.apply(after) is None
    assert (client.get(after) or {})["spec"]["replicas"] == 2
