"""NetworkPolicy of the metrics ports, which bypass the mesh."""

from meshed_mcp import contract
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.manifests import scrape_network_policies
from meshed_mcp.components.mesh.cluster.scrape_network_policy import SCRAPED, scrape_network_policy
from tests.stacks import recording

POLICY = scrape_network_policy("apps", "watch")
SCRAPER, OTHERS = POLICY["spec"]["ingress"]


def test_metrics_are_for_prometheus_alone() -> None:
    """Requirement SEC-12: the identities that scrape are named."""
    (peer,) = SCRAPER["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "watch"}
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"}
    assert [each["port"] for each in SCRAPER["ports"]] == [contract.MANAGEMENT_PORT, 15090, 15020]


def test_every_other_port_stays_open_for_the_mesh_to_judge() -> None:
    """Kubernetes, "Network Policies": a policy on ingress closes what it does not name."""
    ranges = [(each["port"], each["endPort"]) for each in OTHERS["ports"] if each["protocol"] == "TCP"]
    opened = {port for first, last in ranges for port in range(first, last + 1)}
    assert "from" not in OTHERS
    assert set(range(1, 65_536)) - opened == set(SCRAPED)
    assert {contract.MCP_PORT, 15008, 15021} <= opened


def test_every_service_of_a_stack_is_behind_it() -> None:
    """Requirement SEC-12: no pod of a namespace exposes its metrics to every client."""
    objects = recording("prod").objects
    served = {item["metadata"]["namespace"] for item in objects if item["kind"] == "PodMonitor"} - {"monitoring"}
    covered = {
        item["metadata"]["namespace"]
        for item in objects
        if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == "metrics"
    }
    assert served == covered


def test_a_mesh_whose_prometheus_is_not_named_has_none() -> None:
    """Requirement SEC-12: without a named Prometheus there is no policy, which would reject every Prometheus."""
    args = ServiceMeshArgs.model_validate({"domain": "mcp.example.com", "namespaces": ["a", "b"]}, by_name=True)
    assert scrape_network_policies(args) == []
    named = args.model_copy(update={"monitoring_namespace": "watch"})
    assert scrape_network_policies(named) == [scrape_network_policy("a", "watch"), scrape_network_policy("b", "watch")]
