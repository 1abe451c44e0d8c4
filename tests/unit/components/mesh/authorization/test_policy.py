"""Who may call: identities, methods and paths; and what Prometheus scrapes beside them."""

from meshed_mcp import contract
from meshed_mcp.components.mesh.cluster.gateway import gateway_principal
from tests.unit.components.mesh.mesh_rendering import render, render_exposed


def test_callers_are_allowed_by_identity_on_path_and_methods_only() -> None:
    """Istio, AuthorizationPolicy: an ALLOW rule matches when source and operation both do."""
    policy = render(callers=["mcp-controller", "agents/planner"]).one("AuthorizationPolicy")["spec"]
    assert policy == {
        "selector": {"matchLabels": {"app": "mcp-search"}},
        "action": "ALLOW",
        "rules": [
            {
                "from": [
                    {
                        "source": {
                            "principals": [
                                "cluster.local/ns/mcp-system/sa/mcp-controller",
                                "cluster.local/ns/agents/sa/planner",
                            ]
                        }
                    }
                ],
                "to": [{"operation": {"methods": ["GET", "POST", "DELETE"], "paths": ["/mcp", "/mcp/*"]}}],
            }
        ],
    }


def test_without_callers_the_policy_denies_every_request() -> None:
    """Istio, AuthorizationPolicy: an ALLOW policy without rules matches no request."""
    policy = render().one("AuthorizationPolicy")["spec"]
    assert policy["action"] == "ALLOW"
    assert "rules" not in policy


def test_exposed_service_allows_the_gateway_and_no_other_caller() -> None:
    """Istio, "Identity": the gateway's pods have the identity of their service account."""
    (rule,) = render_exposed().one("AuthorizationPolicy")["spec"]["rules"]
    assert rule["from"] == [{"source": {"principals": [gateway_principal("cluster.local")]}}]


def test_identities_follow_the_trust_domain() -> None:
    """SPIFFE ID: the trust domain comes first."""
    (rule,) = render(callers=["mcp-controller"], trust_domain="corp.example").one("AuthorizationPolicy")["spec"][
        "rules"
    ]
    assert rule["from"][0]["source"]["principals"] == ["corp.example/ns/mcp-system/sa/mcp-controller"]


def test_policy_and_monitor_select_the_pods_of_every_version() -> None:
    """Istio, WorkloadSelector; Prometheus Operator, PodMonitor `selector`."""
    objects = render()
    labels = objects.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    for kind in ("AuthorizationPolicy", "PodMonitor"):
        selected = objects.one(kind)["spec"]["selector"]["matchLabels"]
        assert selected.items() <= labels.items()
        assert contract.LABEL_VERSION not in selected


def test_series_are_labeled_with_server_and_version() -> None:
    """Requirement OBS-1: meshed_mcp.contract, LABEL_SERVER; Prometheus, meta labels of pods."""
    (endpoint,) = render().one("PodMonitor")["spec"]["podMetricsEndpoints"]
    assert {item["targetLabel"]: item["sourceLabels"] for item in endpoint["relabelings"]} == {
        "mcp_server_name": ["__meta_kubernetes_pod_label_app_kubernetes_io_name"],
        "version": ["__meta_kubernetes_pod_label_version"],
    }


def test_pods_are_scraped_every_five_seconds_on_the_management_port() -> None:
    """Requirement OBS-1: a call is queryable within 6 s. Prometheus rejects a timeout above the interval."""
    objects = render()
    (endpoint,) = objects.one("PodMonitor")["spec"]["podMetricsEndpoints"]
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("5s", "4s")
    ports = objects.one("Deployment")["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert endpoint["port"] in {port["name"] for port in ports if port["containerPort"] == contract.MANAGEMENT_PORT}
